package template

import (
	"fmt"
	"time"
)

// Column is a column of a Glue table, its type in Hive's words.
type Column struct {
	Name, Type string
}

// Stream is a delivery stream with format conversion.
type Stream struct {
	Name           string
	Columns        []Column // of the table that it converts by
	Prefix         string
	ErrorPrefix    string
	BufferMB       int
	BufferInterval time.Duration
}

// StreamOf reads a delivery stream and the Glue table that it names.
func StreamOf(all []Resource, r Resource) (Stream, error) {
	const to = "ExtendedS3DestinationConfiguration."
	s := Stream{
		Name: text1(r.Properties["DeliveryStreamName"]), Prefix: text1(r.At(to + "Prefix")), ErrorPrefix: text1(r.At(to + "ErrorOutputPrefix")),
	}
	var seconds int
	if _, err := fmt.Sscan(text1(r.At(to+"BufferingHints.SizeInMBs")), &s.BufferMB); err != nil {
		return s, fmt.Errorf("template: the buffer of %s: %w", s.Name, err)
	}
	if _, err := fmt.Sscan(text1(r.At(to+"BufferingHints.IntervalInSeconds")), &seconds); err != nil {
		return s, fmt.Errorf("template: the interval of %s: %w", s.Name, err)
	}
	s.BufferInterval = time.Duration(seconds) * time.Second
	const schema = to + "DataFormatConversionConfiguration.SchemaConfiguration."
	for _, table := range Of(all, "AWS::Glue::Table") {
		if table.At("TableInput.Name") != r.At(schema+"TableName") || table.Properties["DatabaseName"] != r.At(schema+"DatabaseName") {
			continue
		}
		columns, _ := table.At("TableInput.StorageDescriptor.Columns").([]any)
		for _, c := range columns {
			s.Columns = append(s.Columns, Column{text1(At(c, "Name")), text1(At(c, "Type"))})
		}
		return s, nil
	}
	return s, fmt.Errorf("template: %s converts by a table that is not of this stack: %v", s.Name, r.At(schema+"TableName"))
}
