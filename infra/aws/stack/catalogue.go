package stack

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"loch/infra/aws/glue"
	"loch/shared/checkup"
)

// workgroup is what Athena tells of one.
type workgroup struct {
	WorkGroup struct {
		State         string
		Configuration struct {
			EnforceWorkGroupConfiguration bool
			BytesScannedCutoffPerQuery    int64
			EngineVersion                 struct{ EffectiveEngineVersion, SelectedEngineVersion string }
			ResultConfiguration           struct {
				OutputLocation          string
				EncryptionConfiguration struct{ EncryptionOption string }
			}
		}
	}
}

func (s *Stack) workgroup(ctx context.Context) (is workgroup, err error) {
	err = s.access.json(ctx, questions, "1.1", "AmazonAthena.GetWorkGroup", map[string]string{"WorkGroup": s.outputs["Workgroup"]}, &is)
	if isCode(err, "InvalidRequestException") { // Athena's word for what is not there
		err = &Refused{Service: questions.id, Status: 404, Code: "ResourceNotFoundException"}
	}
	return is, err
}

// lookAtWorkgroup looks whether statements are bounded in what they may read.
func (s *Stack) lookAtWorkgroup(ctx context.Context) checkup.Finding {
	is, err := s.workgroup(ctx)
	if err != nil {
		return s.blind(err, "the workgroup "+s.outputs["Workgroup"], "athena:GetWorkGroup")
	}
	c := &is.WorkGroup.Configuration
	var wrong problems
	wrong.unless(is.WorkGroup.State == "ENABLED", "it is "+is.WorkGroup.State)
	wrong.unless(c.EnforceWorkGroupConfiguration, "who asks may go around its bounds")
	engine := first(c.EngineVersion.EffectiveEngineVersion, c.EngineVersion.SelectedEngineVersion)
	wrong.unless(engine == "Athena engine version 3", "it runs "+engine)
	wrong.unless(c.ResultConfiguration.EncryptionConfiguration.EncryptionOption == "SSE_KMS", "answers are not encrypted with a key of the account")
	limit := c.BytesScannedCutoffPerQuery
	if gb, err := strconv.ParseInt(s.parameters["ScanLimitGB"], 10, 64); err == nil && limit != gb*1e9 {
		wrong.addf("a statement may read %d GB in place of %d", limit/1e9, gb)
	}
	const usdPerTB = 5
	return wrong.finding(fmt.Sprintf("a statement reads %d GB at most, for %.2f USD", limit/1e9, float64(limit)/1e12*usdPerTB), s.deploy())
}

// tableColumns are those of a table in the catalogue.
type tableColumns struct {
	Name          string
	TableType     string
	Columns       []glue.Column
	PartitionKeys []glue.Column
}

// catalogue are the tables and views that Athena sees.
func (s *Stack) catalogue(ctx context.Context) (map[string]tableColumns, error) {
	all := map[string]tableColumns{}
	in := map[string]any{"CatalogName": "AwsDataCatalog", "DatabaseName": s.outputs["Database"]}
	for {
		var page struct {
			TableMetadataList []tableColumns
			NextToken         string
		}
		if err := s.access.json(ctx, questions, "1.1", "AmazonAthena.ListTableMetadata", in, &page); err != nil {
			return nil, err
		}
		for _, t := range page.TableMetadataList {
			all[t.Name] = t
		}
		if page.NextToken == "" {
			return all, nil
		}
		in["NextToken"] = page.NextToken
	}
}

// lookAtColumns looks whether the tables have the columns that this binary knows: those
// by which Firehose converts, and SQL is written.
func (s *Stack) lookAtColumns(ctx context.Context) checkup.Finding {
	there, err := s.catalogue(ctx)
	if err != nil {
		return s.blind(err, "the database "+s.outputs["Database"], "athena:ListTableMetadata and glue:GetTables")
	}
	var wrong problems
	columns := 0
	for i := range glue.Tables {
		want := &glue.Tables[i]
		got, ok := there[want.Name]
		if !ok {
			wrong.addf("the table %s is not there", want.Name)
			continue
		}
		columns += len(want.Columns)
		if words := difference(want.Columns, got.Columns); words != "" {
			wrong.addf("%s: %s", want.Name, words)
		}
		partitions := make([]glue.Column, len(want.Partitions))
		for i, p := range want.Partitions {
			partitions[i] = p.Column
		}
		if words := difference(partitions, got.PartitionKeys); words != "" {
			wrong.addf("%s, by which it is parted: %s", want.Name, words)
		}
	}
	return wrong.finding(fmt.Sprintf("%d in %d tables, the same that this loch knows", columns, len(glue.Tables)),
		"deploy the version of which this loch is, or use the loch of the version that is deployed")
}

// difference says in what two lists of columns differ.
func difference(want, got []glue.Column) string {
	var words []string
	for _, c := range want {
		i := slices.IndexFunc(got, func(g glue.Column) bool { return g.Name == c.Name })
		switch {
		case i < 0:
			words = append(words, c.Name+" is missing")
		case !strings.EqualFold(got[i].Type, c.Type):
			words = append(words, c.Name+" is "+got[i].Type+" in place of "+c.Type)
		}
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(c glue.Column) bool { return g.Name == c.Name }) {
			words = append(words, g.Name+" is not known here")
		}
	}
	return strings.Join(words, ", ")
}

// firstCompaction is by when one must have run: it starts at 20 past each hour and may
// take a quarter of an hour.
const firstCompaction = 80 * time.Minute

// lookAtCompaction looks whether it has run: it makes the views by which people read.
func (s *Stack) lookAtCompaction(ctx context.Context) checkup.Finding {
	there, err := s.catalogue(ctx)
	if err != nil {
		return s.blind(err, "the database "+s.outputs["Database"], "athena:ListTableMetadata and glue:GetTables")
	}
	var missing []string
	for _, relation := range glue.Relations {
		if _, ok := there[relation]; !ok {
			missing = append(missing, relation)
		}
	}
	now := "to have it run now: aws lambda invoke --function-name " + s.Name + "-compact --cli-read-timeout 900 /dev/stdout"
	if len(missing) > 0 {
		words := "it has not run yet: the views " + strings.Join(missing, ", ") + " are not there, which Athena's console needs"
		if s.age() < firstCompaction {
			return checkup.Warn(words, "it runs at 20 past each hour; "+now)
		}
		return checkup.Bad(words, "see infra/aws/README.md#compact-errors; "+now)
	}
	w, err := s.objectsUnder(ctx, "state/manifest/")
	switch {
	case err != nil:
		return s.blind(err, "the bucket", "s3:ListBucket")
	case w.count == 0:
		return checkup.Well("the views are there; nothing was compacted so far")
	}
	return checkup.Well("the views are there; files were last moved " + s.since(w.newest))
}
