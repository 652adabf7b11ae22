package privacy_test

import (
	"testing"

	"loch/shared/privacy"
)

func TestHoldsID(t *testing.T) {
	for _, value := range []string{
		`"98ab3dc4-4223-4009-8737-b95c8d9f702e"`, `"$device:98ab3dc4-4223-4009-8737-b95c8d9f702e"`, `["pro","98ab3dc44223400987 37","8f14e45fceea167a5a36dedd4bea2543"]`,
		`{"a":{"b":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}}`, `"cus_NffrFeUfNV2Hib"`, `"09a2f0c1e4b3a7-0c5f2e1d8b4a3c-26021b51-16a7f0-09a2f0c1e4b3a8"`,
		`"V1StGXR8_Z5jdHi6B-myT"`, `"\u0039\u0038ab3dc4-4223-4009-8737-b95c8d9f702e"`,
	} {
		if !privacy.HoldsID([]byte(value)) {
			t.Errorf("%s holds an id", value)
		}
	}
	for _, value := range []string{
		`"pro"`, `"enterprise-plan-2024"`, `"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123+02:00"`, `17`, `12345678901234567`, `"1234567890123456"`, `true`, `null`,
		`"Mozilla Firefox for Linux"`, `"customer_success_manager"`, `"internationalization"`, `{"plan":"pro","seats":4}`, `"https://shop.example/a/b"`, `"google / organic"`,
		`"email_5d41402abc4b2a76b9719d911017c592"`, `"black-friday-2026-newsletter"`, `"unterminated`,
	} {
		if privacy.HoldsID([]byte(value)) {
			t.Errorf("%s holds no id", value)
		}
	}
}
