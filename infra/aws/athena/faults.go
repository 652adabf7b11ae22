package athena

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/smithy-go"

	"loch/shared/fault"
)

// ranOut is the fault for a context that ended.
func ranOut(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(ctx.Err(), fault.Timeout, "the statement did not end within its time limit; ask for less, or for a shorter span of time")
	}
	return fault.Wrap(ctx.Err(), fault.Unavailable, "the statement was given up before it ended")
}

// explain tells what an answer of Athena's API means, in words of ours.
func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ranOut(ctx)
	}
	answered, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fault.Wrap(err, fault.Unavailable, "Athena cannot be reached")
	}
	message := answered.ErrorMessage()
	switch answered.ErrorCode() {
	case (&types.TooManyRequestsException{}).ErrorCode(), "ThrottlingException":
		return fault.Wrap(err, fault.TooMany, "Athena runs as many statements as the account may; wait, then send it again")
	case "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException":
		return fault.Wrap(err, fault.Forbidden, "this function may not use Athena here; look at its role, the workgroup and the bucket's policy")
	case (&types.InvalidRequestException{}).ErrorCode():
		switch {
		case strings.Contains(message, "was not found"), strings.Contains(message, "could not be found"),
			strings.Contains(message, "Could not find results"): // the bucket's lifecycle took them
			return errNoStatement
		case strings.Contains(message, "WorkGroup"):
			return fault.Wrap(err, fault.Forbidden, "the workgroup does not take statements; look at its settings")
		}
		return fault.Wrap(err, fault.Invalid, "Athena does not take the statement: "+firstWords(inOwnLines(withoutValues(message))))
	}
	return fault.Wrap(err, fault.Unavailable, "Athena is busy or failing")
}

// failure is the fault for a statement that ended without an answer.
func failure(status *types.QueryExecutionStatus) error {
	reason := aws.ToString(status.StateChangeReason)
	cause := fmt.Errorf("athena: %s", reason)
	name, words, named := strings.Cut(reason, ": ")
	switch {
	case strings.Contains(strings.ToLower(reason), "bytes scanned limit"):
		return fault.Wrap(cause, fault.TooLarge, "the statement reads more than one may; ask for fewer days or fewer columns, or raise the limit of the workgroup")
	case strings.Contains(reason, "EXCEEDED_MEMORY"), strings.Contains(reason, "exhausted resources"):
		return fault.Wrap(cause, fault.TooLarge, "the statement needs more memory than it may use; ask for fewer rows or columns, or aggregate before you join")
	case strings.Contains(reason, "EXCEEDED_TIME_LIMIT"), strings.Contains(reason, "Query timeout"):
		return fault.Wrap(cause, fault.Timeout, "the statement did not end within Athena's time limit; ask for less, or for a shorter span of time")
	case status.State == types.QueryExecutionStateCancelled:
		return fault.Wrap(cause, fault.Unavailable, "the statement was ended before it was done; send it again")
	case named && ofStatement[name]:
		return fault.Wrap(cause, fault.Invalid, firstWords(inOwnLines(words)))
	case named && ofValues[name]:
		return fault.Wrap(cause, fault.Invalid, firstWords(inOwnLines(withoutValues(words))))
	case strings.HasPrefix(name, "HIVE_"), strings.HasPrefix(name, "ICEBERG_"):
		return fault.Wrap(cause, fault.Unavailable, "a file of the lake cannot be read; the query's history in Athena says which, by its id")
	case status.AthenaError != nil && aws.ToInt32(status.AthenaError.ErrorCategory) == 2: // the statement's
		return fault.Wrap(cause, fault.Invalid, "Athena cannot run the statement: "+firstWords(inOwnLines(withoutValues(reason))))
	}
	return fault.Wrap(cause, fault.Unavailable, "Athena could not run the statement; send it again")
}

// ofStatement are the errors that speak of a statement's text alone; ofValues may
// quote a value out of the lake.
var (
	ofStatement = names("SYNTAX_ERROR COLUMN_NOT_FOUND TYPE_MISMATCH FUNCTION_NOT_FOUND MISSING_COLUMN_NAME AMBIGUOUS_NAME MISMATCHED_COLUMN_ALIASES " +
		"DUPLICATE_COLUMN_NAME DUPLICATE_NAMED_QUERY NOT_SUPPORTED EXPRESSION_NOT_AGGREGATE EXPRESSION_NOT_SCALAR EXPRESSION_NOT_CONSTANT " +
		"EXPRESSION_NOT_IN_DISTINCT NESTED_AGGREGATION NESTED_WINDOW MISSING_GROUP_BY INVALID_LITERAL INVALID_COLUMN_REFERENCE INVALID_ORDER_BY " +
		"INVALID_WINDOW_FRAME MISSING_ORDER_BY MISSING_OVER TABLE_NOT_FOUND FUNCTION_NOT_AGGREGATE FUNCTION_NOT_WINDOW INVALID_PARAMETER_USAGE " +
		"TOO_MANY_ARGUMENTS SUBQUERY_MULTIPLE_ROWS DIVISION_BY_ZERO TOO_MANY_GROUPING_SETS QUERY_TEXT_TOO_LARGE STACK_OVERFLOW")
	ofValues = names("INVALID_CAST_ARGUMENT INVALID_FUNCTION_ARGUMENT NUMERIC_VALUE_OUT_OF_RANGE GENERIC_USER_ERROR INVALID_ARGUMENTS INVALID_ROW_FILTER " +
		"JSON_INPUT_CONVERSION_ERROR JSON_OUTPUT_CONVERSION_ERROR PATH_EVALUATION_ERROR FUNCTION_IMPLEMENTATION_ERROR")
)

func names(list string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		m[name] = true
	}
	return m
}

var (
	position  = regexp.MustCompile(`line (\d+):(\d+)(: )?`)
	inQuotes  = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"`)
	trailing  = regexp.MustCompile(`(?s)(value|string|input|JSON|argument): .*`)
	addresses = regexp.MustCompile(`(arn:|s3://)\S+`)
	database  = regexp.MustCompile(`'?awsdatacatalog\.[a-z0-9_]+\.`)
)

// inOwnLines tells places in the lines of the statement that was sent: one line is
// before it in what Athena reads.
func inOwnLines(message string) string {
	return position.ReplaceAllStringFunc(message, func(found string) string {
		parts := position.FindStringSubmatch(found)
		line, _ := strconv.Atoi(parts[1])
		if line <= 1 {
			return ""
		}
		return fmt.Sprintf("line %d, column %s%s", line-1, parts[2], parts[3])
	})
}

// withoutValues blanks what a message quotes.
func withoutValues(message string) string {
	message = trailing.ReplaceAllString(message, "$1: …")
	message = inQuotes.ReplaceAllString(message, "'…'")
	if at := strings.IndexAny(message, `'"`); at >= 0 && strings.Count(message, "'")%2 == 1 {
		message = message[:at] + "…"
	}
	return message
}

// firstWords are as much of a message as people read, on one line.
func firstWords(message string) string {
	message = database.ReplaceAllString(strings.Join(strings.Fields(message), " "), "'")
	message = addresses.ReplaceAllString(message, "…")
	const most = 600
	if len(message) <= most {
		return message
	}
	cut := most
	for !utf8.RuneStart(message[cut]) {
		cut--
	}
	return message[:cut] + " …"
}
