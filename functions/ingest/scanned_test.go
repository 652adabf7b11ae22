package ingest

import (
	"reflect"
	"testing"

	"loch/shared/event"
	"loch/shared/privacy"
)

// Each column that a website may fill is looked into by itself: that its text
// also stands in the properties is true of some protocols only.
func TestColumnsAreScanned(t *testing.T) {
	for _, field := range []string{
		"Name", "SessionID", "PageURL", "PagePath", "PageTitle", "Source", "ReferrerHost",
		"UTMSource", "UTMMedium", "UTMCampaign", "UTMTerm", "UTMContent",
	} {
		row := event.Row{Properties: "{}", PageURL: "https://shop.example/"}
		reflect.ValueOf(&row).Elem().FieldByName(field).SetString("of jane@example.com")
		p := newCleaners().plain
		for _, when := range []string{"first", "again"} {
			found := cleanAddresses(p, nil, &row)
			if field == "PagePath" && row.PagePath == ":email" {
				continue // made general before the look
			}
			if len(found) != 1 || found[0] != (privacy.Found{Rule: privacy.Email, Value: "jane@example.com"}) {
				t.Errorf("%s, %s time: found %v", field, when, found)
			}
		}
	}
}
