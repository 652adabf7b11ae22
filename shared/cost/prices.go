package cost

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"reflect"

	"loch/shared/fault"
)

// Prices are what AWS asks, in USD, of a region at a date. A GB is 2^30 bytes.
type Prices struct {
	Date   string `json:"date"`
	Region string `json:"region"`
	Terms  string `json:"terms"`

	APIMillionRequests    float64 `json:"api_million_requests"` // HTTP API, each up to 512 KB
	LambdaMillionRequests float64 `json:"lambda_million_requests"`
	LambdaGBSecond        float64 `json:"lambda_gb_second"`
	FirehoseGB            float64 `json:"firehose_gb"`            // taken in, records rounded up to 5 KB
	FirehoseConversionGB  float64 `json:"firehose_conversion_gb"` // of the same, into Parquet
	DynamoDBMillionWrites float64 `json:"dynamodb_million_writes"`
	DynamoDBMillionReads  float64 `json:"dynamodb_million_reads"`
	DynamoDBGBMonth       float64 `json:"dynamodb_gb_month"`
	S3ThousandPuts        float64 `json:"s3_thousand_puts"`
	S3GBMonth             float64 `json:"s3_gb_month"`
	AthenaTB              float64 `json:"athena_tb"` // read by a statement
	LogsGB                float64 `json:"logs_gb"`
	KMSMillionRequests    float64 `json:"kms_million_requests"`
	KMSKeyMonth           float64 `json:"kms_key_month"`
	AlarmMonth            float64 `json:"alarm_month"`
	MetricMonth           float64 `json:"metric_month"`
	DashboardMonth        float64 `json:"dashboard_month"`
}

//go:embed prices.json
var listed []byte

// ListPrices are those that come with this version, with their date.
func ListPrices() (Prices, error) { return ReadPrices(bytes.NewReader(listed)) }

// ReadPrices reads a table of prices in the form of prices.json, such as another
// region's. All of them must be there: one that is missing would count as nothing.
func ReadPrices(r io.Reader) (Prices, error) {
	var p Prices
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fault.Wrap(err, fault.Invalid, "the table of prices is not JSON in the form of shared/cost/prices.json: "+err.Error())
	}
	v := reflect.ValueOf(p)
	for _, f := range reflect.VisibleFields(v.Type()) {
		name := f.Tag.Get("json")
		switch value := v.FieldByIndex(f.Index); {
		case value.IsZero():
			return p, fault.New(fault.Invalid, "the table of prices has no "+name)
		case value.CanFloat() && value.Float() < 0:
			return p, fault.New(fault.Invalid, "in the table of prices, "+name+" is below zero")
		}
	}
	return p, nil
}
