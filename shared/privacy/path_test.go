package privacy_test

import (
	"strings"
	"testing"

	"loch/shared/privacy"
	"loch/shared/project"
)

// cases are read as "what came in" and "what is stored". A line that a rule made
// stands under the rule's name, so that a failure says which one is gone.
type cases map[string][][2]string

func (c cases) check(t *testing.T, rewrite func(string) string) {
	t.Helper()
	for rule, list := range c {
		t.Run(rule, func(t *testing.T) {
			for _, one := range list {
				got := rewrite(one[0])
				if got != one[1] {
					t.Errorf("%s\n got %s\nwant %s", one[0], got, one[1])
				}
				if again := rewrite(got); again != got {
					t.Errorf("%s\nbecame %s\n  then %s", one[0], got, again)
				}
			}
		})
	}
}

func policy(t testing.TB, s project.Privacy) *privacy.Policy {
	t.Helper()
	p, err := privacy.NewPolicy(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func same(texts ...string) (list [][2]string) {
	for _, text := range texts {
		list = append(list, [2]string{text, text})
	}
	return list
}

func TestPathsAreMadeGeneral(t *testing.T) {
	cases{
		"a number of three digits or more is an id": {
			{"/products/48151", "/products/:id"}, {"/products/123/reviews", "/products/:id/reviews"}, {"/1023", "/:id"},
			{"/archive/20241105", "/archive/:id"}, {"/p/0042", "/p/:id"}, {"/x/2100", "/x/:id"}, {"/x/1899", "/x/:id"},
		},
		"years, dates and small numbers stay": same("/blog/2024/11/05/hello", "/blog/1999", "/2024-11-05", "/page/2", "/chapter/12",
			"/reports/2024-11", "/blog/2024-11-05-release", "/2024.11.05", "/week/45", "/top-100-songs", "/top-1000-songs", "/iphone-15-pro"),
		"a small number behind people or orders is an id": {
			{"/users/7", "/users/:id"}, {"/orders/12/items/3", "/orders/:id/items/3"}, {"/Invoices/9", "/Invoices/:id"},
			{"/api/v2/team-members/4", "/api/v2/team-members/:id"}, {"/account/5", "/account/:id"}, {"/orders/2024", "/orders/:id"},
		},
		"whoever stands behind people": {
			{"/users/john.smith", "/users/:id"}, {"/u/ann", "/u/:id"}, {"/profile/Ann-Lee/photos", "/profile/:id/photos"},
			{"/people/%D0%90%D0%BD%D0%BD%D0%B0", "/people/:id"}, {"/members/john/orders/7", "/members/:id/orders/:id"},
			{"/customers/acme", "/customers/:id"}, {"/users//ann", "/users//:id"}, {"/users/ann.html", "/users/:id.html"},
			{"/user/1999", "/user/:id"}, {"/Users/Ann", "/Users/:id"}, {"/patients/o%27neill", "/patients/:id"},
		},
		"pages behind people are no people": same("/users/new", "/users/me", "/users/settings/billing", "/account/password", "/user/login",
			"/profile/edit", "/users/sign_in", "/accounts/password-reset", "/users/search", "/members/all", "/people/invite",
			"/users/index.html", "/Users/New", "/customers/orders", "/user/dashboard", "/users/:userId", "/users/{id}", "/users/[slug]"),
		"what stands behind a link that was mailed is a secret, unless it is a word": {
			{"/reset-password/hunter2", "/reset-password/:id"}, {"/invite/Ab3", "/invite/:id"}, {"/verify/94", "/verify/:id"},
			{"/auth/google", "/auth/google"}, {"/verify/email", "/verify/email"}, {"/share/facebook", "/share/facebook"},
		},
		"UUIDs": {
			{"/doc/98ab3dc4-4223-4009-8737-b95c8d9f702e", "/doc/:id"}, {"/doc/98AB3DC4-4223-4009-8737-B95C8D9F702E/edit", "/doc/:id/edit"},
			{"/run-98ab3dc4-4223-4009-8737-b95c8d9f702e", "/run-:id"}, {"/doc/11111111-2222-3333-4444-555555555555.pdf", "/doc/:id.pdf"},
			{"/a/98ab3dc4-4223-4009-8737-b95c8d9f702e-final", "/a/:id-final"},
		},
		"ULIDs, hashes and other tokens": {
			{"/e/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/e/:id"}, {"/c/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/c/:id"},
			{"/o/507f1f77bcf86cd799439011", "/o/:id"}, {"/n/V1StGXR8_Z5jdHi6B-myT", "/n/:id"}, {"/n/Uakgb_J5m9g-0JDMbcJqLJ", "/n/:id"},
			{"/w/dQw4w9WgXcQ", "/w/:id"}, {"/c/cus_NffrFeUfNV2Hib", "/c/cus_:id"}, {"/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms", "/d/:id"},
			{"/k/k3jx9w2mlq", "/k/:id"}, {"/k/ab1234cdef", "/k/:id"}, {"/o/ord10234567", "/o/:id"}, {"/l/8f14e45fceea167a5a36dedd4bea2543", "/l/:id"},
			{"/x/" + strings.Repeat("abcdefgh", 6), "/x/:id"}, {"/x/aaaaaaaaaaaaaaa1", "/x/:id"}, {"/g/user42", "/g/:id"},
		},
		"words, versions and files stay": same("/", "", "/pricing/plans", "/how-to-set-up-billing-2024", "/v2/docs", "/docs/1.2.3/api", "/docs/v1.10",
			"/covid19-news", "/assets/app.js", "/index.html", "/img/logo@2x.png", "/en-GB/help", "/iso-27001", "/iso27001-certification",
			"/HowToSetUpBilling", "/face2face", "/mp3-to-mp4", "/web3", "/utf8mb4", "/internationalization2024",
			"/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82", "/a%20b", "/c%23", "/at&t/plans", "/2024q3", "/area-51", "/facade2024"),
		"the id of a slug goes": {
			{"/my-post-8f3a2b1c9d0e", "/my-post-:id"}, {"/blog/hello-world-123456", "/blog/hello-world-:id"}, {"/12345-my-post", "/:id-my-post"},
			{"/order-12", "/order-:id"}, {"/user_7", "/user_:id"}, {"/files/invoice-123.pdf", "/files/invoice-:id.pdf"},
			{"/assets/app.8f3a2b1c.js", "/assets/app.:id.js"}, {"/a-123456-b", "/a-:id-b"}, {"/a-1234567-7654321", "/a-:id"},
		},
		"numbers written with punctuation": {
			{"/call/+49-170-123-45-67", "/call/:id"}, {"/near/52.5200,13.4050", "/near/:id"}, {"/ssn/123-45-6789", "/ssn/:id"},
			{"/tel/06-12-34-56-78", "/tel/:id"},
		},
		"e-mails": {
			{"/unsub/ann@example.com", "/unsub/:email"}, {"/unsub/ann%40example.com/now", "/unsub/:email/now"},
			{"/unsub/ann%2540example.com", "/unsub/:email"}, {"/users/ann@example.com", "/users/:email"},
			{"/proxy/ann:pw@example.com", "/proxy/:email"}, {"/x/ann@10.0.0.1", "/x/:email"}, {"/x/ann:pw@10.0.0", "/x/:email"}, {"/react@18.2.0/umd/react.js", "/react@18.2.0/umd/react.js"},
		},
		"handles": {{"/@ann", "/:handle"}, {"/@ann/my-story-8f3a2b1c9d0e", "/:handle/my-story-:id"}, {"/%40ann", "/:handle"}, {"/maps/@52.52,13.40,15z", "/maps/:handle"}},
		"matrix parameters": {
			{"/shop;jsessionid=8A6F3E/cart", "/shop/cart"}, {"/shop;color=red", "/shop"}, {"/shop%3Bjsessionid=1", "/shop"}, {"/;a=b/users/;c/ann", "/users/:id"},
		},
		"parameters without their question mark": {
			{"/page&token=abc", "/page"}, {"/page%3Ftoken=abc", "/page"}, {"/page%3Ftoken%3Dabc/x", "/page/x"}, {"/page%23access_token=abc", "/page"},
			{"/page?token=abc", "/page"}, {"/page#token=abc", "/page"}, {"/token=8f3a2b1c9d0e", "/token=:id"}, {"/user=ann", "/user=:id"},
			{"/color=red", "/color=red"}, {"/k=YWJjMTIzYWJjMTIzNDU2Nw==", "/k=:id=="}},
		"escaped slashes":       {{"/go/users%2F12%2Forders", "/go/users%2F:id%2Forders"}, {"/go/users%2Fann", "/go/users%2F:id"}, {"/go/a%2Fb", "/go/a%2Fb"}, {`\users\ann`, `\users\:id`}},
		"escaped over and over": {{"/x/%2525252525252541", "/x/:id"}},
		"what is general already": same("/users/:id/orders/:id", "/x/:email", "/:handle", "/my-post-:id",
			"/x/email_5d41402abc4b2a76b9719d911017c592", "/users/phone_5d41402abc4b2a76b9719d911017c592"),
		"no token of ours": {{"/x/mail_5d41402abc4b2a76b9719d911017c592", "/x/mail_:id"}},
	}.check(t, policy(t, project.Privacy{}).Path)
}
