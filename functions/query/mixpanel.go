package query

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/web"
)

// Mixpanel's query API, as far as scripts that ask Mixpanel for numbers need it:
//
//	/api/query/segmentation, …/segmentation/sum, …/segmentation/average
//	/api/query/funnels      with the steps in the request
//	/api/query/retention
//
// and the same three under /api/2.0, where the API was before; profiles (engage) are
// look-up's. Parameters come in the
// query or in a form. They are turned into a report's spec, and the report's
// answer into the shape that Mixpanel answers in. Names, parameters, defaults and
// shapes are those of Mixpanel's reference for its query API
// (openapi/query.openapi.yaml in mixpanel/docs), expressions those of
// reference/segmentation-expressions.
//
// What is not supported is refused, never passed over: saved reports and funnels
// (there are none), custom events, buckets of numbers, CSV, minutes, and of
// expressions what where.go and mixpanel_where.go do not name. Days are those of
// the project's time zone, and bots are left out, as in all reports.

// mixpanelCalls are the calls that there are, with what each does.
var mixpanelCalls = map[string]func(*handler, context.Context, project.Key, parameters) (any, error){
	"segmentation":         (*handler).segmentation,
	"segmentation/sum":     (*handler).segmentationSum,
	"segmentation/average": (*handler).segmentationAverage,
	"funnels":              (*handler).funnels,
	"retention":            (*handler).retention,
}

// mixpanel answers a call.
func (h *handler) mixpanel(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/query/"), "/api/2.0/")
	key, err := web.Account(r, h.Registry)
	if err != nil {
		refuseMixpanel(w, r, err)
		return
	}
	call := mixpanelCalls[name]
	if call == nil {
		refuseMixpanel(w, r, fault.New(fault.NotFound, "this call of Mixpanel's query API is not supported; there are "+
			"segmentation, segmentation/sum, segmentation/average, funnels, retention and engage, and GET /api/2.0/export. "+
			"POST /api/reports/insights, /api/profiles and /api/schema answer what others ask for"))
		return
	}
	giveBack, err := h.turns.take(key)
	if err != nil {
		refuseMixpanel(w, r, err)
		return
	}
	defer giveBack()
	share := h.Budget.Share()
	defer share.Release()
	p, err := web.ReadParameters(w, r, share)
	if err != nil {
		refuseMixpanel(w, r, err)
		return
	}
	// A call may take several statements, and all of them the time of one.
	ctx, cancel := context.WithTimeout(r.Context(), h.MaxTime)
	defer cancel()
	answer, err := call(h, ctx, key, parameters{p})
	if err != nil {
		if r.Context().Err() == nil && ctx.Err() != nil {
			err = fault.Wrap(err, fault.Timeout, "the answer took longer than its time limit; ask for fewer days, or a larger unit")
		}
		refuseMixpanel(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, answer)
}

// refuseMixpanel answers with an error in Mixpanel's shape.
func refuseMixpanel(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}
	web.WriteMixpanelError(w, r, err)
}

// askReport has a report answer a spec that a call was turned into.
func (h *handler) askReport(ctx context.Context, key project.Key, kind string, spec map[string]any) (any, error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	parsed, err := report.Parse(kind, body)
	if err != nil {
		return nil, err
	}
	statement, err := parsed.Compile(h.dialect(), h.surroundings(key))
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, key.Project, statement)
}

// unexpected is the fault for an answer of another kind than was asked for.
func unexpected() error {
	return fault.New(fault.Internal, "a report gave an answer of another kind than was asked for")
}
