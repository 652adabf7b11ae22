package stack

import (
	"context"
	"fmt"
	"strings"

	"loch/infra/aws/glue"
	"loch/shared/checkup"
)

// stream is what Firehose tells of one.
type stream struct {
	DeliveryStreamDescription struct {
		DeliveryStreamStatus string
		FailureDescription   struct{ Type string }

		DeliveryStreamEncryptionConfiguration struct{ Status, KeyType string }

		Destinations []struct {
			ExtendedS3DestinationDescription struct {
				BucketARN      string
				Prefix         string
				BufferingHints struct{ IntervalInSeconds int }

				DataFormatConversionConfiguration struct {
					Enabled             *bool // left out for true
					SchemaConfiguration struct{ DatabaseName, TableName, VersionID string }
				}
			}
		}
	}
}

func (s *Stack) lookAtEvents(ctx context.Context) checkup.Finding {
	return s.lookAtStream(ctx, "events", "landing/", glue.Landing)
}

func (s *Stack) lookAtRejected(ctx context.Context) checkup.Finding {
	return s.lookAtStream(ctx, "rejected", "rejected/", glue.RejectedInput)
}

// lookAtStream looks whether a stream takes records, and makes Parquet of them by the
// newest version of its table.
func (s *Stack) lookAtStream(ctx context.Context, name, folder, table string) checkup.Finding {
	var is stream
	in := map[string]string{"DeliveryStreamName": s.Name + "-" + name}
	if err := s.access.json(ctx, deliveries, "1.1", "Firehose_20150804.DescribeDeliveryStream", in, &is); err != nil {
		return s.blind(err, "the stream "+s.Name+"-"+name, "firehose:DescribeDeliveryStream")
	}
	d := &is.DeliveryStreamDescription
	if d.DeliveryStreamStatus == "CREATING" {
		return checkup.Warn("it is being made", "look again in some minutes")
	}
	var wrong problems
	if d.DeliveryStreamStatus != "ACTIVE" {
		wrong.addf("it is %s", strings.TrimSpace(d.DeliveryStreamStatus+" "+d.FailureDescription.Type))
	}
	wrong.unless(d.DeliveryStreamEncryptionConfiguration.Status == "ENABLED", "what waits in it is not encrypted")
	if len(d.Destinations) != 1 {
		wrong.addf("it has %s", plural(len(d.Destinations), "destination"))
		return wrong.finding("", s.deploy())
	}
	to := &d.Destinations[0].ExtendedS3DestinationDescription
	by := &to.DataFormatConversionConfiguration
	wrong.unless(strings.HasPrefix(to.Prefix, folder), "it does not write into "+folder)
	wrong.unless(strings.HasSuffix(to.BucketARN, ":"+s.outputs["Lake"]), "it does not write into the lake's bucket")
	wrong.unless((by.Enabled == nil || *by.Enabled) && by.SchemaConfiguration.TableName != "", "it does not convert to Parquet")
	if by.SchemaConfiguration.TableName != "" {
		got := by.SchemaConfiguration.DatabaseName + "." + by.SchemaConfiguration.TableName
		if want := s.outputs["Database"] + "." + table; got != want {
			wrong.addf("it converts by %s in place of %s", got, want)
		}
		if v := by.SchemaConfiguration.VersionID; v != "" && v != "LATEST" {
			wrong.addf("it converts by version %s of the table in place of the newest", v)
		}
	}
	return wrong.finding(fmt.Sprintf("takes records, writes Parquet every %d s", to.BufferingHints.IntervalInSeconds), s.deploy())
}
