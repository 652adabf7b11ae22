// Package snapshot writes rows of profiles as Parquet into the lake's bucket, below the
// folder that the Glue table profile_snapshots reads. The columns are that table's; a
// test holds them equal.
package snapshot

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"loch/infra/aws/s3"
	"loch/shared/fault"
	"loch/shared/profile"
)

// Folder is where the table's files lie.
const Folder = "profiles/"

// row is a line of a file. What is empty is null, and instants are milliseconds.
type row struct {
	Project   string `parquet:"project,dict"`
	PersonID  string `parquet:"person_id"`
	GroupKey  string `parquet:"group_key,optional,dict"`
	Traits    string `parquet:"traits"`
	FirstSeen int64  `parquet:"first_seen,optional,timestamp(millisecond)"`
	LastSeen  int64  `parquet:"last_seen,optional,timestamp(millisecond)"`
	Updated   int64  `parquet:"updated,optional,timestamp(millisecond)"`

	Country          string `parquet:"country,optional,dict"`
	Region           string `parquet:"region,optional,dict"`
	City             string `parquet:"city,optional,dict"`
	Timezone         string `parquet:"timezone,optional,dict"`
	Browser          string `parquet:"browser,optional,dict"`
	OS               string `parquet:"os,optional,dict"`
	DeviceType       string `parquet:"device_type,optional,dict"`
	DeviceBrand      string `parquet:"device_brand,optional,dict"`
	DeviceModel      string `parquet:"device_model,optional,dict"`
	FirstReferrer    string `parquet:"first_referrer_host,optional,dict"`
	FirstChannel     string `parquet:"first_channel,optional,dict"`
	FirstSource      string `parquet:"first_source,optional,dict"`
	FirstUTMSource   string `parquet:"first_utm_source,optional,dict"`
	FirstUTMMedium   string `parquet:"first_utm_medium,optional,dict"`
	FirstUTMCampaign string `parquet:"first_utm_campaign,optional,dict"`
	FirstUTMTerm     string `parquet:"first_utm_term,optional,dict"`
	FirstUTMContent  string `parquet:"first_utm_content,optional,dict"`
	FirstClickIDKind string `parquet:"first_click_id_kind,optional,dict"`

	SnapshotTime int64 `parquet:"snapshot_time,timestamp(millisecond)"`
	Gone         bool  `parquet:"gone"`
}

func rowOf(s *profile.Snapshot) row {
	t := s.Seen.Texts()
	return row{
		Project: s.Project, PersonID: s.PersonID, GroupKey: s.GroupKey, Traits: s.Traits,
		FirstSeen: s.FirstMS, LastSeen: s.LastMS, Updated: s.UpdatedMS,
		Country: *t[0], Region: *t[1], City: *t[2], Timezone: *t[3],
		Browser: *t[4], OS: *t[5], DeviceType: *t[6], DeviceBrand: *t[7], DeviceModel: *t[8],
		FirstReferrer: *t[9], FirstChannel: *t[10], FirstSource: *t[11], FirstUTMSource: *t[12], FirstUTMMedium: *t[13],
		FirstUTMCampaign: *t[14], FirstUTMTerm: *t[15], FirstUTMContent: *t[16], FirstClickIDKind: *t[17],
		SnapshotTime: s.SnapshotMS, Gone: s.Gone,
	}
}

// Encode makes a file of rows.
func Encode(rows []profile.Snapshot) ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(&parquet.Snappy))
	list := make([]row, len(rows))
	for i := range rows {
		list[i] = rowOf(&rows[i])
	}
	_, err := w.Write(list)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "profiles could not be written as Parquet")
	}
	return b.Bytes(), nil
}

// Files are those of the table.
type Files struct{ bucket *s3.Bucket }

// New returns the folder of a bucket.
func New(b *s3.Bucket) *Files { return &Files{b} }

// Put writes a file of rows.
func (f *Files) Put(ctx context.Context, name string, rows []profile.Snapshot) error {
	body, err := Encode(rows)
	if err != nil {
		return err
	}
	return f.bucket.PutNew(ctx, Folder+name, body)
}

// List names the files that are there.
func (f *Files) List(ctx context.Context) (names []string, err error) {
	err = f.bucket.List(ctx, Folder, func(key string, _ int64, _ time.Time) error {
		names = append(names, strings.TrimPrefix(key, Folder))
		return nil
	})
	return names, err
}

// Delete takes a file away.
func (f *Files) Delete(ctx context.Context, name string) error {
	return f.bucket.Delete(ctx, Folder+name)
}
