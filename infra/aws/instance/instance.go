// Package instance is what every function on Lambda is made of before it does
// anything: the region, credentials and HTTP client that its clients of AWS share, its
// log, its metrics.
//
// All of it is read from the environment that Lambda sets and made by hand. AWS's usual
// configuration looks through files and services for what is known here, which takes
// longer than all else at a function's start. Nothing here asks anybody anything: what
// has to be asked for, such as the vault's key, is asked at the first request (Late).
package instance

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/shared/fault"
)

// Instance is one instance of a function.
type Instance struct {
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        *http.Client
	Logger      *slog.Logger
	Metrics     *Metrics
	Prefix      string // of the stack's tables

	env func(string) string
}

// New reads the environment. Lines go to out; now is the clock of metrics.
func New(env func(string) string, out io.Writer, now func() time.Time) (*Instance, error) {
	in := &Instance{
		Region: env("AWS_REGION"), Prefix: env("LOCH_PREFIX"), env: env,
		// Lambda renews the environment with the instance; an instance does not outlive
		// its credentials.
		Credentials: credentials.NewStaticCredentialsProvider(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")),
		HTTP:        &http.Client{Transport: transport()},
	}
	for _, needed := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LOCH_PREFIX"} {
		if env(needed) == "" {
			return nil, fault.Newf(fault.Invalid, "the environment has no %s; the function is deployed by template.yaml, which sets it", needed)
		}
	}
	level := slog.LevelWarn
	if text := env("LOCH_LOG_LEVEL"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "LOCH_LOG_LEVEL must be DEBUG, INFO, WARN or ERROR")
		}
	}
	in.Logger = slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
	name := strings.TrimPrefix(env("AWS_LAMBDA_FUNCTION_NAME"), in.Prefix+"-")
	in.Metrics = newMetrics(out, in.Prefix, name, now)
	return in, nil
}

// Setting returns a variable that template.yaml sets.
func (in *Instance) Setting(name string) (string, error) {
	if v := in.env(name); v != "" {
		return v, nil
	}
	return "", fault.Newf(fault.Invalid, "the environment has no %s; the function is deployed by template.yaml, which sets it", name)
}

// Optional returns a variable that may be empty.
func (in *Instance) Optional(name string) string { return in.env(name) }

// Beside is the path of a file that a variable names and that lies beside the binary,
// or "" where the variable is empty. An absolute path, such as one in a layer, stays.
func (in *Instance) Beside(name string) string {
	file := in.env(name)
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(in.env("LAMBDA_TASK_ROOT"), file)
}

// Endpoint is the address of a service, where it is not AWS's own: "" or the variable
// that AWS's tools know for it, AWS_ENDPOINT_URL_DYNAMODB and the like.
func (in *Instance) Endpoint(service string) string {
	return in.env("AWS_ENDPOINT_URL_" + strings.ToUpper(service))
}

// transport is made for an instance that has one request at a time, a handful of
// servers, and long sleeps in between.
func transport() *http.Transport {
	const (
		dial  = time.Second
		alive = 15 * time.Second
		// Servers of AWS close idle connections after some 20 s at the earliest. One
		// that was closed while the instance was frozen is found out by its first use,
		// and the call is made again.
		idle = 20 * time.Second
	)
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dial, KeepAlive: alive}).DialContext,
		TLSHandshakeTimeout: 2 * dial,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(16)},
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     idle,
	}
}
