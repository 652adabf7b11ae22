package glue

import (
	"bytes"
	"encoding/json"
	"strings"
)

// What each format is to the catalogue: how files are read and written.
var formats = map[Format]storage{
	Parquet: {
		input:  "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		serde:  "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
	},
	JSON: {
		input:  "org.apache.hadoop.mapred.TextInputFormat",
		output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
		serde:  "org.openx.data.jsonserde.JsonSerDe",
	},
}

type storage struct{ input, output, serde string }

// object is a JSON object; its keys are sorted when it is written.
type object = map[string]any

// Template is the part of the stack that holds the catalogue: a CloudFormation
// template, to be nested in the stack's own. The views are not in it: their text
// changes with what is compacted, so compaction makes them, at its first run and
// whenever it is asked to.
func Template() ([]byte, error) {
	resources := object{"Database": object{
		"Type": "AWS::Glue::Database",
		"Properties": object{
			"CatalogId":     object{"Ref": "AWS::AccountId"},
			"DatabaseInput": object{"Name": object{"Ref": "DatabaseName"}, "Description": "Loch: events, profiles and what was rejected."},
		},
	}}
	for i := range Tables {
		resources[resourceName(Tables[i].Name)] = Tables[i].resource()
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The tables by which Firehose writes and Athena reads the lake. Written by a test of infra/aws/glue from event.Columns: do not edit.",
		"Parameters": object{
			"DatabaseName": object{"Type": "String", "Description": "The database in the Glue catalogue.", "AllowedPattern": "[a-z0-9_]{1,60}"},
			"BucketName":   object{"Type": "String", "Description": "The bucket that holds the lake."},
		},
		"Resources": resources,
		"Outputs": object{
			"Database":     object{"Description": "The database.", "Value": object{"Ref": "Database"}},
			"LandingTable": object{"Description": "The table by whose columns Firehose converts events.", "Value": object{"Ref": resourceName(Landing)}},
			"RejectedTable": object{"Description": "The table by whose columns Firehose converts rejected input.",
				"Value": object{"Ref": resourceName(RejectedInput)}},
		},
	})
	return b.Bytes(), err
}

// resourceName is a table's name as CloudFormation has names: "StagingLinksTable".
func resourceName(table string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(table, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String() + "Table"
}

func (t *Table) resource() object {
	columns, partitions := []object{}, []object{}
	for _, c := range t.Columns {
		columns = append(columns, object{"Name": c.Name, "Type": c.Type})
	}
	parameters := object{"classification": string(t.Format), "EXTERNAL": "TRUE"}
	for _, p := range t.Partitions {
		partitions = append(partitions, object{"Name": p.Name, "Type": p.Type})
		for name, value := range p.parameters() {
			parameters["projection."+p.Name+"."+name] = value
		}
	}
	location := "s3://${BucketName}/"
	if len(partitions) > 0 {
		parameters["projection.enabled"] = "true"
		// ${!name} leaves ${name} to Athena.
		parameters["storage.location.template"] = object{"Fn::Sub": location + strings.ReplaceAll(t.Template(), "${", "${!")}
	}
	how := formats[t.Format]
	return object{
		"Type": "AWS::Glue::Table",
		"Properties": object{
			"CatalogId":    object{"Ref": "AWS::AccountId"},
			"DatabaseName": object{"Ref": "Database"},
			"TableInput": object{
				"Name": t.Name, "Description": t.Comment, "TableType": "EXTERNAL_TABLE",
				"Parameters": parameters, "PartitionKeys": partitions,
				"StorageDescriptor": object{
					"Columns": columns, "Location": object{"Fn::Sub": location + t.Folder},
					"InputFormat": how.input, "OutputFormat": how.output,
					"SerdeInfo": object{"SerializationLibrary": how.serde},
				},
			},
		},
	}
}

// parameters are what Athena reads to project a column.
func (p *Projection) parameters() map[string]string {
	list := map[string]string{"type": p.Kind}
	if p.Range != "" {
		list["range"] = p.Range
	}
	switch {
	case p.Kind == "date":
		list["format"], list["interval"], list["interval.unit"] = "yyyy-MM-dd", "1", "DAYS"
	case p.Digits != "":
		list["digits"] = p.Digits
	}
	return list
}
