package glue

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ReadTemplate reads the tables back out of a template, with the bucket's name put
// in: whoever tests with it tests what is deployed.
func ReadTemplate(template []byte) ([]Table, error) {
	var stack struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ TableInput tableInput }
		}
	}
	if err := json.Unmarshal(template, &stack); err != nil {
		return nil, err
	}
	var tables []Table
	for name, resource := range stack.Resources {
		if resource.Type != "AWS::Glue::Table" {
			continue
		}
		t, err := resource.Properties.TableInput.table()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// tableInput is a table as the catalogue has it.
type tableInput struct {
	Name, Description string
	Parameters        map[string]any
	PartitionKeys     []Column
	StorageDescriptor struct {
		Columns   []Column
		Location  substituted
		SerdeInfo struct{ SerializationLibrary string }
	}
}

type substituted struct {
	Text string `json:"Fn::Sub"`
}

func (in *tableInput) table() (Table, error) {
	folder, ok := strings.CutPrefix(in.StorageDescriptor.Location.Text, "s3://${BucketName}/")
	if !ok {
		return Table{}, fmt.Errorf("its location is not in the bucket: %s", in.StorageDescriptor.Location.Text)
	}
	t := Table{Name: in.Name, Comment: in.Description, Folder: folder, Columns: in.StorageDescriptor.Columns}
	for format, how := range formats {
		if how.serde == in.StorageDescriptor.SerdeInfo.SerializationLibrary {
			t.Format = format
		}
	}
	for _, c := range in.PartitionKeys {
		text := func(parameter string) string {
			value, _ := in.Parameters["projection."+c.Name+"."+parameter].(string)
			return value
		}
		t.Partitions = append(t.Partitions, Projection{Column: c, Kind: text("type"), Range: text("range"), Digits: text("digits")})
	}
	return t, nil
}
