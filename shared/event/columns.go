package event

import "math"

// SchemaVersion is written into each row. It grows when Columns changes.
const SchemaVersion = 1

// Type is a column's type. Each store maps it to its own: Parquet, Glue, DuckDB.
type Type uint8

// The column types.
const (
	Text  Type = iota // UTF-8 string
	JSON              // UTF-8 string that holds JSON
	Int               // 64-bit integer
	Float             // 64-bit float
	Bool
	Time // milliseconds since 1970, UTC, without zone
	Date // days; written as text "2026-11-23" in a Row
)

// Column is one column of the lake: its name in SQL, its type, and where a Row
// keeps it. Exactly one of the accessors fits the type: Str for Text, JSON and
// Date, Num for Int and Time, Flt for Float, Flag for Bool.
type Column struct {
	Name     string
	Type     Type
	Nullable bool // the zero value (NaN for Float) is stored as null
	Str      func(*Row) *string
	Num      func(*Row) *int64
	Flt      func(*Row) *float64
	Flag     func(*Row) *bool
}

// NoRevenue is the null of Row.Revenue, since 0 is an amount.
var NoRevenue = math.NaN()

// Columns is the lake's schema, in order: the one source from which the Parquet
// writer, the DuckDB views, the Glue table and the log's codec are made.
var Columns = []Column{
	must(text("project", func(r *Row) *string { return &r.Project })),
	must(Column{Name: "date", Type: Date, Str: func(r *Row) *string { return &r.Date }}),
	must(text("event", func(r *Row) *string { return &r.Name })),
	must(text("kind", func(r *Row) *string { return (*string)(&r.Kind) })),
	must(text("protocol", func(r *Row) *string { return &r.Protocol })),
	must(text("insert_id", func(r *Row) *string { return &r.InsertID })),
	must(text("insert_id_source", func(r *Row) *string { return &r.InsertIDSource })),
	text("device_id", func(r *Row) *string { return &r.DeviceID }),
	text("user_id", func(r *Row) *string { return &r.UserID }),
	text("session_id", func(r *Row) *string { return &r.SessionID }),
	jsonText("groups", func(r *Row) *string { return &r.Groups }),
	must(instant("time", func(r *Row) *int64 { return &r.TimeMS })),
	instant("sent_time", func(r *Row) *int64 { return &r.SentTimeMS }),
	must(instant("received_time", func(r *Row) *int64 { return &r.ReceivedTimeMS })),
	must(text("time_source", func(r *Row) *string { return &r.TimeSource })),
	must(number("skew_ms", func(r *Row) *int64 { return &r.SkewMS })),
	text("country", func(r *Row) *string { return &r.Country }),
	text("region", func(r *Row) *string { return &r.Region }),
	text("city", func(r *Row) *string { return &r.City }),
	text("timezone", func(r *Row) *string { return &r.Timezone }),
	text("browser", func(r *Row) *string { return &r.Browser }),
	text("browser_version", func(r *Row) *string { return &r.BrowserVersion }),
	text("os", func(r *Row) *string { return &r.OS }),
	text("os_version", func(r *Row) *string { return &r.OSVersion }),
	text("device_type", func(r *Row) *string { return &r.DeviceType }),
	text("device_brand", func(r *Row) *string { return &r.DeviceBrand }),
	text("device_model", func(r *Row) *string { return &r.DeviceModel }),
	{Name: "is_bot", Type: Bool, Flag: func(r *Row) *bool { return &r.IsBot }},
	text("bot_reason", func(r *Row) *string { return &r.BotReason }),
	text("page_url", func(r *Row) *string { return &r.PageURL }),
	text("page_host", func(r *Row) *string { return &r.PageHost }),
	text("page_path", func(r *Row) *string { return &r.PagePath }),
	text("page_title", func(r *Row) *string { return &r.PageTitle }),
	text("referrer_host", func(r *Row) *string { return &r.ReferrerHost }),
	text("channel", func(r *Row) *string { return &r.Channel }),
	text("source", func(r *Row) *string { return &r.Source }),
	text("utm_source", func(r *Row) *string { return &r.UTMSource }),
	text("utm_medium", func(r *Row) *string { return &r.UTMMedium }),
	text("utm_campaign", func(r *Row) *string { return &r.UTMCampaign }),
	text("utm_term", func(r *Row) *string { return &r.UTMTerm }),
	text("utm_content", func(r *Row) *string { return &r.UTMContent }),
	text("click_id_kind", func(r *Row) *string { return &r.ClickIDKind }),
	number("screen_width", func(r *Row) *int64 { return &r.ScreenWidth }),
	number("screen_height", func(r *Row) *int64 { return &r.ScreenHeight }),
	text("locale", func(r *Row) *string { return &r.Locale }),
	{Name: "revenue", Type: Float, Nullable: true, Flt: func(r *Row) *float64 { return &r.Revenue }},
	text("currency", func(r *Row) *string { return &r.Currency }),
	text("lib", func(r *Row) *string { return &r.Lib }),
	text("lib_version", func(r *Row) *string { return &r.LibVersion }),
	text("app_version", func(r *Row) *string { return &r.AppVersion }),
	must(jsonText("properties", func(r *Row) *string { return &r.Properties })),
	jsonText("context", func(r *Row) *string { return &r.Context }),
	text("flags", func(r *Row) *string { return &r.Flags }),
	must(text("request_id", func(r *Row) *string { return &r.RequestID })),
	must(number("batch_index", func(r *Row) *int64 { return &r.BatchIndex })),
	must(number("schema_version", func(r *Row) *int64 { return &r.SchemaVersion })),
}

func text(name string, at func(*Row) *string) Column {
	return Column{Name: name, Type: Text, Nullable: true, Str: at}
}

func jsonText(name string, at func(*Row) *string) Column {
	return Column{Name: name, Type: JSON, Nullable: true, Str: at}
}

func number(name string, at func(*Row) *int64) Column {
	return Column{Name: name, Type: Int, Nullable: true, Num: at}
}

func instant(name string, at func(*Row) *int64) Column {
	return Column{Name: name, Type: Time, Nullable: true, Num: at}
}

// must marks a column that every row fills, where the zero value is a value.
func must(c Column) Column {
	c.Nullable = false
	return c
}

// SiteTexts are the columns into which a website's own texts go, as they were sent
// or as a part of an address: whatever is looked for in events is looked for in each
// of them. The other columns hold words of closed sets, ids that Loch makes, or JSON,
// which is looked through as JSON.
var SiteTexts = func() (list []Column) {
	ours := map[string]bool{
		"project": true, "date": true, "kind": true, "protocol": true, "insert_id": true, "insert_id_source": true,
		"device_id": true, "user_id": true, "time_source": true, "channel": true, "click_id_kind": true, "flags": true,
		"request_id": true, "bot_reason": true,
	}
	for _, c := range Columns {
		if c.Type == Text && !ours[c.Name] {
			list = append(list, c)
		}
	}
	return list
}()
