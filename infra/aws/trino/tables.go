package trino

import (
	"strings"

	"loch/infra/aws/glue"
)

// CreateTable makes a table of the Glue catalogue known to Trino, over a bucket.
// What a table of Glue says with properties, Trino's statement says with its own.
func CreateTable(t glue.Table, bucket string) string {
	format, location := "PARQUET", "s3://"+bucket+"/"
	if t.Format == glue.JSON {
		format = "OPENX_JSON"
	}
	var columns, partitions []string
	for _, c := range t.Columns {
		columns = append(columns, glue.Name(c.Name)+" "+typeName(c.Type))
	}
	for _, p := range t.Partitions {
		columns = append(columns, glue.Name(p.Name)+" "+typeName(p.Type)+" WITH ("+projection(p)+")")
		partitions = append(partitions, glue.Literal(p.Name))
	}
	properties := []string{"format = " + glue.Literal(format), "external_location = " + glue.Literal(location+t.Folder)}
	if len(partitions) > 0 {
		properties = append(properties, "partitioned_by = ARRAY["+strings.Join(partitions, ", ")+"]",
			"partition_projection_enabled = true", "partition_projection_location_template = "+glue.Literal(location+t.Template()))
	}
	return "CREATE TABLE " + t.Name + " (" + strings.Join(columns, ", ") + ") WITH (" + strings.Join(properties, ", ") + ")"
}

// typeName is Trino's name of a Hive type.
func typeName(hive string) string {
	return strings.NewReplacer("string", "varchar", "array<", "array(", ">", ")").Replace(hive)
}

func projection(p glue.Projection) string {
	list := []string{"partition_projection_type = " + glue.Literal(p.Kind)}
	if p.Range != "" {
		from, to, _ := strings.Cut(p.Range, ",")
		list = append(list, "partition_projection_range = ARRAY["+glue.Literal(from)+", "+glue.Literal(to)+"]")
	}
	switch {
	case p.Kind == "date":
		list = append(list, "partition_projection_format = 'yyyy-MM-dd'")
	case p.Digits != "":
		list = append(list, "partition_projection_digits = "+p.Digits)
	}
	return strings.Join(list, ", ")
}
