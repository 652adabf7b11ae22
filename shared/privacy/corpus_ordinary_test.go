package privacy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// ordinary is a kind of value that names nobody and looks as if it did. names
// are the properties that websites put it in; the last is one that says nothing.
type ordinary struct {
	kind  string
	names []string
	make  func(*rand.Rand) string
}

// form makes values by shaped, of one form or another.
func form(forms ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return shaped(r, oneOf(r, forms...)) }
}

func moment(layouts ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		return time.Unix(1500000000+r.Int64N(4e8), r.Int64N(1e9)).UTC().Format(oneOf(r, layouts...))
	}
}

// unixTime is made in the unit that divides a second so often.
func unixTime(perSecond int64) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		return fmt.Sprint((1500000000+r.Int64N(4e8))*perSecond + r.Int64N(perSecond))
	}
}

func number(format string, most int) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return fmt.Sprintf(format, r.IntN(most)) }
}

// article is a GS1 number with its check digit: weights 3 and 1 from the right.
func article(prefixes ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		body, sum := oneOf(r, prefixes...), 0
		body += drawn(r, tenDigits, 12-len(body))
		for i := range len(body) {
			sum += int(body[len(body)-1-i]-'0') * (3 - i%2*2)
		}
		return body + fmt.Sprint((10-sum%10)%10)
	}
}

func word(words ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return oneOf(r, words...) }
}

func uuid(r *rand.Rand) string {
	h := drawn(r, hexLetters, 32)
	return inGroups(h[:8], "", 8) + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func coordinate(r *rand.Rand) string {
	return fmt.Sprintf(oneOf(r, "%.6f,%.6f", "%.4f, %.4f", "%.14f %.14f", "[%.5f,%.5f]"), r.Float64()*180-90, r.Float64()*360-180)
}

var ordinaries = []ordinary{
	{"order number", []string{"order_id", "order", "label"}, form("ORD-2024-nnnnnn", "000000nnnnnn", "#nnnn", "1nn-nnnnnnn-nnnnnnn", "2024nnnn-nnnnn", "SO-nnnnnnn", "45nnnnnnnn", "nnnnnnn", "INV/2024/nnnnn", "PO nnnnnn")},
	{"uuid", []string{"$insert_id", "id", "label"}, uuid},
	{"hash", []string{"etag", "hash", "label"}, func(r *rand.Rand) string { return drawn(r, hexLetters, oneOf(r, 7, 32, 40, 64)) }},
	{"short id", []string{"$insert_id", "variant", "label"}, func(r *rand.Rand) string {
		return drawn(r, oneOf(r, base64URL, alphanumeric), oneOf(r, 8, 11, 16, 22))
	}},
	{"unix seconds", []string{"time", "created", "label"}, unixTime(1)}, {"unix milliseconds", []string{"timestamp", "mp_sent_at", "label"}, unixTime(1000)}, {"unix microseconds", []string{"ts", "label"}, unixTime(1e6)},
	{"unix float", []string{"time", "label"}, func(r *rand.Rand) string { return fmt.Sprintf("%.3f", 1.5e9+r.Float64()*4e8) }},
	{"date", []string{"date", "created_at", "label"}, moment("2006-01-02", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.000000+02:00", "2006-01-02 15:04:05", "02/01/2006", "01/02/2006 15:04", "02.01.2006", "02.01.2006 15:04", "20060102", "20060102150405", "Mon, 02 Jan 2006 15:04:05 GMT", "02-01-2006 15-04-05", "06-01-02 15:04")},
	{"date range", []string{"period", "label"}, func(r *rand.Rand) string {
		layout := oneOf(r, "2006-01-02", "02.01.2006", "02/01/2006", "01-02-2006")
		return moment(layout)(r) + oneOf(r, " - ", "/", " – ", " to ") + moment(layout)(r)
	}},
	{"version", []string{"$lib_version", "app_version", "$browser_version"}, form("n.nn.n", "1nn.0.0.0", "1nn.0.nnnn.nn", "nn.n.n.n", "n.n.n-beta.n", "v1.2n.3", "1.2.3.4", "10.0.1nnnn", "nnnnn.nn", "10.0.1nnnn.1nnn")},
	{"user agent", []string{"ua", "agent", "label"}, form("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1nn.0.nnnn.nnn Safari/537.36", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_n_n like Mac OS X) Version/17.n Mobile/15E1nn", "Dart/3.n (dart:io)", "okhttp/4.n.n", "Edg/1nn.0.nnnn.nn", "curl/8.n.n", "Googlebot/2.1 (+http://www.google.com/bot.html)", "Shop/4.nn.n (build nnnnn; Android 1n)")},
	{"coordinates", []string{"latlng", "position", "label"}, coordinate},
	{"price", []string{"price", "revenue", "label"}, form("nn.nn", "1.nnn.nnn,nn", "1,nnn.nn", "€ nnn,nn", "$m,nnn.nn USD", "nn nnn kr", "m nnn nnn", "1 nnn nnn,nn €", "mnn nnn nnn", "CHF 1'nnn.nn", "£nn.nn – £nn.nn", "nn.nn-nn.nn", "+nnn.nn")},
	{"screen", []string{"screen", "viewport", "label"}, form("1nnnxnnn", "1nnn x nnn", "1920×1080", "m000/n00", "1nnn,nnn", "0 0 1nnn nnn", "300x250,728x90,320x50")},
	{"sku", []string{"sku", "product", "label"}, form("A-nnnn", "SKU-nnnnn-nn", "nnn-nnn-nn", "nnnnnn.nn", "nnn.nnn.nn", "W-nnnn/nn", "LN-nnn-BLK-42", "AB1234-nnn", "0nn-nnnn-nn", "010-0nnnn-nn")},
	{"tracking number", []string{"tracking_number", "shipment", "label"}, form("1Z999AA1nnnnnnnnnn", "9400 1nnn nnnn nnnn nnnn nn", "94001nnnnnnnnnnnnnnnnn", "RR1nnnnnnnnDE", "JD0146nnnnnnnnnn", "00340434nnnnnnnnnnnn", "7nnnnnnnnnnn", "LX1nnnnnnnnNL")},
	{"colour", []string{"color", "theme", "label"}, func(r *rand.Rand) string {
		return oneOf(r, "#"+drawn(r, hexLetters, 6), "#"+drawn(r, hexLetters, 8), "#"+drawn(r, tenDigits, 6), fmt.Sprintf("rgb(%d, %d, %d)", r.IntN(256), r.IntN(256), r.IntN(256)), fmt.Sprintf("rgba(%d,%d,%d,0.%d)", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(10)), fmt.Sprintf("%d %d%% %d%%", r.IntN(360), r.IntN(100), r.IntN(100)))
	}},
	{"sentence", []string{"title", "message", "label"}, form("Save nn% on nn items until 1n/0n", "You have nn new messages, n of them unread", "Meet us @ booth nn at n pm", "Top n tips: a=b, c = d", "Chapter 1n: the year 19nn-19nn", "Step n/n – choose a plan (nn days free)", "Score: nn:nn (nn:nn)", "Lorem ipsum, 2+2=4 & more…", "Follow @loch on X", "Error nnn: timeout after nnnn ms (nn.n s)", "nn.nnn Besucher seit 20nn", "Bed 160x200 cm, nn kg", "Room 2nn, 1n Main Street, NY 1nnnn", "Results nn - nn of nnnn", "The 5 a.m. run: 10 000 steps, nnn kcal", "Model XC-nnn/nn, 230 V 50 Hz, 16 A")},
	{"product", []string{"product_name", "item", "label"}, form("iPhone 1n Pro Max 256 GB", "Sony WH-1000XMn", "Galaxy S2n Ultra 5G", "LEGO 1nnnn Ferrari 488", "Levi's 501 32/34", "Canon EF 70-200mm f/2.8", "RTX 40nn 16GB", "HP 30n XL (2-pack)", "Bosch GSR 18V-nn", "Tyre 205/55 R16 91V", "M8x1.25 100 pcs", "WD-40 400 ml", "A4 80 g 5 x 500")},
	{"barcode", []string{"ean", "gtin", "label"}, article("400", "401", "430", "440", "460", "471", "489", "500", "590", "730", "871", "301", "360", "379", "622", "030", "978")},
	{"isbn", []string{"isbn", "book", "label"}, form("978-3-nn-nnnnnn-n", "978-0-nnn-nnnnn-n", "978-1-nnnn-nnnn-n", "0-nnn-nnnnn-n", "3-nn-nnnnnn-n", "979-8-nnn-nnnnn-n", "978 3 nn nnnnnn n", "ISSN nnnn-nnnn")},
	{"locale", []string{"locale", "$lang", "label"}, word("en-US", "de_DE.UTF-8", "zh-Hans-CN", "fr-FR,fr;q=0.9,en;q=0.8", "Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC+02:00", "GMT+0530", "text/html; charset=utf-8", "es-419")},
	{"duration", []string{"duration", "elapsed", "label"}, form("00:0n:nn", "1:nn:nn.nnn", "nnnn ms", "PT1Hnn.nnnS", "nnn.nnnnnn", "n h nn min", "0.0n3nnnnnnn", "P1Y2M10DT2H30M", "1:2n:3n:4n")},
	{"percentage", []string{"progress", "share", "label"}, form("nn%", "nn.nn %", "0.nnnnnnnnnnnnnnnn", "n/nn", "-n.nn%", "+nn.n%", "1.nnnne-05", "100%20off", "nn%25")},
	{"page", []string{"$current_url", "path", "link"}, form("https://shop.example/c/shoes?page=n&sort=price&size=4n", "/blog/2024/05/1n/ten-tips?utm_source=news&utm_campaign=spring_24", "https://x.example/p/nnnnnnn?variant=4nnnnnnnnnnnnn", "https://shop.example/search?q=red+shoes+4n&min=nn&max=1nn", "https://maps.example/@52.52nnnnn,13.40nnnnn,15z", "https://a.example/f/a%20b%20(1).pdf?v=20240nnn", "https://cdn.example/npm/react@18.n.0/index.js")},
	{"big id", []string{"tweet_id", "post_id", "id"}, form("17nnnnnnnnnnnnnnnnn", "1nnnnnnnnnnnnnnnnn", "1000nnnnnnnnnnn", "7nnnnnnnnnnnnnnnnnn")},
	{"long number", []string{"serial", "member_no", "label"}, form("1nnnnnnnnnnnnnnn", "1nn-nnn-nnn", "nnnn-nnnn", "7nnn nnnn nnnn nnnn", "A1nn nnnn nnnn", "nn-nnnnnnn", "nnnnn-nnnn", "(nn) nnnn", "No. nnnnnnnnnn", "DE1nnnnnnnn", "GB nnn nnnn nn", "nnnnn nnn", "00nnnnnnnnn", "1nnnn nnnnn")},
	{"score", []string{"score", "result", "label"}, form("n-n", "6-4 3-6 7-5", "nn:nn", "nnn/nnn", "1nnn-1nnn-1nnn", "n.nnn/n.nnn", "+n/-n", "n of nn", "nn.nn.nn", "2024/25")},
	{"postal", []string{"region", "zip", "label"}, form("nnnnn", "nnnnn-nnnn", "SE-1nn nn", "SW1A 1AA", "nnnn AB", "nn-nnn", "D-nnnnn Berlin", "750nn Paris", "1n1 nn Stockholm", "nnnnn Madrid, Calle 1n, 2 B")},
	{"experiment", []string{"experiment", "flags", "label"}, form("exp_2024_1n_checkout:b", "variant=b", "ab:1,cd:0,ef:nn", "layout=grid&cols=n", "?page=n&per_page=nn", "q=blue+jeans+3n+32", "tab=2#reviews", "v=n.n+build.nnn", "cache-nnnn@2x", "utm_source=x&utm_id=nnnnnnnn")},
	{"count", []string{"count", "size", "label"}, number("%d", 1e9)},
	{"ratio list", []string{"sizes", "histogram", "label"}, form("nn,nn,nn,nn", "n.n.n", "nn nn nn nn", "1n 2n 3n 4n 5n", "nn-nn-nn", "1/2/3", "(n)(nn)(nnn)", "0.1 0.2 0.3 0.n")},
	{"network", []string{"mac", "device", "label"}, func(r *rand.Rand) string {
		return oneOf(r, inGroups(drawn(r, hexLetters, 12), ":", 2), inGroups(drawn(r, hexLetters, 12), "-", 2), "127.0.0.1", "localhost:3000", "::1")
	}},
	{"code", []string{"selector", "class", "label"}, word("div.card > a[href='#']", "btn btn--2x md:w-1/2", "icon@2x.png", "x = y == z", "std::vector::size", "a::before", "key=value", "module:foo::bar", "task_live_update", "sk-button", "eyJust.a.sentence", "sort=token_asc", "SG. 12")},
}

// event puts a value where websites do, under a name that suits it or one that
// says nothing; and numbers as numbers.
func (o ordinary) event(r *rand.Rand) string {
	value := o.make(r)
	name := oneOf(r, o.names...)
	if strings.Trim(value, tenDigits) == "" && value[0] != '0' && r.IntN(2) == 0 {
		return `{"` + name + `":` + value + `}`
	}
	if o.kind == "version" { // without its name 1.2.3.4 is an address
		return inJSON(name, value)
	}
	return oneOf(r, inJSON(name, value), inJSON(name, value), inJSON(name, "See "+value+" for more"), `{"items":[{"`+name+`":["x",`+quoted(value)+`]}]}`)
}
