package enrich_test

import (
	"fmt"
	"net/netip"

	"loch/shared/enrich"
	"loch/shared/event"
)

// One request, one event of it.
func Example() {
	e, err := enrich.New(enrich.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = e.Close() }()

	client := e.Client(event.Client{
		Address:   netip.MustParseAddr("81.2.69.142"),
		UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
		Browser:   true,
	})
	ev := event.Event{
		Referrer: "https://www.google.co.uk/",
		Row:      event.Row{PageURL: "https://example.com/docs/billing?utm_source=google&utm_medium=cpc&gclid=Cj0"},
	}
	e.Event(&ev, &client)

	r := ev.Row
	fmt.Println(r.Country, r.Browser, r.BrowserVersion, r.OS, r.OSVersion, r.DeviceType, r.DeviceBrand, r.DeviceModel)
	fmt.Println(r.PageHost, r.PagePath, r.ReferrerHost, r.Channel, r.Source, r.ClickIDKind)
	// Output:
	// GB Mobile Safari 17.4 iOS 17.4.1 mobile Apple iPhone
	// example.com /docs/billing google.co.uk Paid Search google gclid
}
