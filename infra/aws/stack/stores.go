package stack

import (
	"context"
	"strings"

	"loch/shared/checkup"
)

// tableNames are the tables, by what stands behind the stack's name.
var tableNames = []string{"profiles", "vault", "ledger", "projects"}

// table is what DynamoDB tells of one.
type table struct {
	Table struct {
		TableStatus               string
		BillingModeSummary        struct{ BillingMode string }
		DeletionProtectionEnabled bool
		SSEDescription            struct{ Status, SSEType string }
	}
}

// lookAtTables looks whether they are there, grow by themselves, are encrypted with the
// stack's key, and cannot be deleted by mistake.
func (s *Stack) lookAtTables(ctx context.Context) checkup.Finding {
	var wrong problems
	for _, name := range tableNames {
		var is table
		err := s.access.json(ctx, tables, "1.0", "DynamoDB_20120810.DescribeTable", map[string]string{"TableName": s.Name + "-" + name}, &is)
		switch {
		case absent(err):
			wrong.addf("%s is not there", name)
			continue
		case err != nil:
			return s.blind(err, name, "dynamodb:DescribeTable")
		}
		t := &is.Table
		if t.TableStatus != "ACTIVE" && t.TableStatus != "UPDATING" {
			wrong.addf("%s is %s", name, t.TableStatus)
		}
		wrong.unless(t.BillingModeSummary.BillingMode == "PAY_PER_REQUEST", name+" is not on demand: it does not grow with what comes")
		wrong.unless(t.DeletionProtectionEnabled, name+" can be deleted by mistake")
		wrong.unless(t.SSEDescription.Status == "ENABLED" && t.SSEDescription.SSEType == "KMS", name+" is not encrypted with a key of the account")
	}
	return wrong.finding(strings.Join(tableNames, ", ")+": on demand, protected, encrypted", s.deploy())
}

// lookAtBackups looks that the vault has no point-in-time recovery, from which an erased
// person's key could be had back for 35 days, and that what has to come back can.
func (s *Stack) lookAtBackups(ctx context.Context) checkup.Finding {
	var wrong problems
	for _, name := range tableNames {
		var is struct {
			ContinuousBackupsDescription struct {
				PointInTimeRecoveryDescription struct{ PointInTimeRecoveryStatus string }
			}
		}
		err := s.access.json(ctx, tables, "1.0", "DynamoDB_20120810.DescribeContinuousBackups", map[string]string{"TableName": s.Name + "-" + name}, &is)
		switch {
		case absent(err):
			continue // the check of tables says it
		case err != nil:
			return s.blind(err, name, "dynamodb:DescribeContinuousBackups")
		}
		on := is.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == "ENABLED"
		if name == "vault" {
			wrong.unless(!on, "the vault has point-in-time recovery: keys of erased people can be had back for 35 days")
		} else {
			wrong.unless(on, name+" has no point-in-time recovery")
		}
	}
	return wrong.finding("none that brings erased people's keys back; point-in-time recovery of the other tables", s.deploy())
}

func (s *Stack) lookAtVaultKey(ctx context.Context) checkup.Finding {
	return s.lookAtKey(ctx, s.outputs["VaultKeyArn"], "without it nobody can open what is sealed")
}

func (s *Stack) lookAtDataKey(ctx context.Context) checkup.Finding {
	return s.lookAtKey(ctx, "alias/"+s.Name+"-data", "without it neither the lake nor the tables can be read")
}

// lookAtKey looks whether a key can be used, and is renewed.
func (s *Stack) lookAtKey(ctx context.Context, id, without string) checkup.Finding {
	var is struct {
		KeyMetadata struct{ Arn, KeyState string }
	}
	if err := s.access.json(ctx, keys, "1.1", "TrentService.DescribeKey", map[string]string{"KeyId": id}, &is); err != nil {
		return s.blind(err, "the key", "kms:DescribeKey")
	}
	switch state := is.KeyMetadata.KeyState; state {
	case "Enabled":
	case "PendingDeletion":
		return checkup.Bad("it is going to be deleted; "+without, "cancel its deletion in KMS's console, at once")
	default:
		return checkup.Bad("it is "+state+"; "+without, "enable it in KMS's console")
	}
	var renewed struct{ KeyRotationEnabled bool }
	if err := s.access.json(ctx, keys, "1.1", "TrentService.GetKeyRotationStatus", map[string]string{"KeyId": is.KeyMetadata.Arn}, &renewed); err != nil {
		return s.blind(err, "the key", "kms:GetKeyRotationStatus")
	}
	var wrong problems
	wrong.unless(renewed.KeyRotationEnabled, "it is not renewed every year")
	return wrong.finding("can be used, and is renewed every year", s.deploy())
}
