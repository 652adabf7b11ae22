package project

import (
	"regexp"
	"time"

	"loch/shared/fault"
)

var idPattern = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// CheckID returns fault.Invalid for an id that no project can have: it becomes a
// folder's name in the lake.
func CheckID(id string) error {
	if !idPattern.MatchString(id) {
		return fault.New(fault.Invalid, "a project's id has 1 to 40 of a-z, 0-9 and -").At("id")
	}
	return nil
}

// Check returns fault.Invalid, with the place, for settings that make no sense. What
// stands under Privacy is judged by privacy.NewPolicy.
func (s *Settings) Check() error {
	switch {
	case s.MaxEventAgeDays < 0:
		return fault.New(fault.Invalid, "an age is 0 days or more").At("settings.max_event_age_days")
	case s.SessionMinutes < 0 || s.SessionMinutes > 24*60:
		return fault.New(fault.Invalid, "a session ends after 1 to 1440 minutes of silence; 0 is 30").At("settings.session_minutes")
	case s.Identity != "" && s.Identity != IdentitySimplified && s.Identity != IdentityOriginal:
		return fault.New(fault.Invalid, "the identity scheme is simplified, which is the default, or original").At("settings.identity")
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil {
		return fault.New(fault.Invalid, `no such time zone; write an IANA name such as "Europe/Oslo"`).At("settings.timezone")
	}
	return nil
}
