// Package kms keeps the vault's few keys locked with a key of AWS KMS.
//
// KMS never hands its key out: it locks and unlocks small secrets, and writes down
// who asked. The vault asks it for a project's key at its first use and then keeps
// that key in memory for a bounded time (vault.Options.CacheFor), so calls grow
// with instances and projects, not with events.
package kms

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"loch/shared/fault"
)

// API is what is used of the SDK's client.
type API interface {
	Encrypt(ctx context.Context, in *kms.EncryptInput, opts ...func(*kms.Options)) (*kms.EncryptOutput, error)
	Decrypt(ctx context.Context, in *kms.DecryptInput, opts ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Wrapper implements vault.Wrapper with one symmetric key of KMS.
type Wrapper struct {
	api   API
	keyID string
}

// New returns a wrapper. keyID is the key's id, its ARN or an alias; an ARN is
// best, since it cannot come to mean another key.
func New(api API, keyID string) *Wrapper { return &Wrapper{api, keyID} }

// Wrap implements vault.Wrapper. The context is KMS's encryption context, which
// CloudTrail shows in clear: it names projects and never people.
func (w *Wrapper) Wrap(ctx context.Context, key []byte, context map[string]string) ([]byte, error) {
	out, err := w.api.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String(w.keyID), Plaintext: key, EncryptionContext: context})
	if err != nil {
		return nil, explain(err)
	}
	return out.CiphertextBlob, nil
}

// Unwrap implements vault.Wrapper. The key's id goes along although KMS could tell
// it from the ciphertext: what another key locked must not open here.
func (w *Wrapper) Unwrap(ctx context.Context, wrapped []byte, context map[string]string) ([]byte, error) {
	out, err := w.api.Decrypt(ctx, &kms.DecryptInput{KeyId: aws.String(w.keyID), CiphertextBlob: wrapped, EncryptionContext: context})
	if err != nil {
		return nil, explain(err)
	}
	return out.Plaintext, nil
}

// hopeless are the answers that stay the same however often one asks, and what
// to do about each.
var hopeless = map[string]string{
	(&types.IncorrectKeyException{}).ErrorCode():    "the vault is locked with another KMS key; give the stack the key that it was made with",
	(&types.NotFoundException{}).ErrorCode():        "the vault's KMS key does not exist here; look at the key's ARN, account and region",
	(&types.DisabledException{}).ErrorCode():        "the vault's KMS key is disabled; enable it, or cancel its deletion",
	(&types.KMSInvalidStateException{}).ErrorCode(): "the vault's KMS key is pending deletion or import; cancel the deletion and enable it",
	(&types.InvalidKeyUsageException{}).ErrorCode(): "the vault's KMS key is not one for symmetric encryption",
	"AccessDeniedException":                         "this function may not use the vault's KMS key; look at its role and at the key's policy, and at the encryption context they ask for",
	"UnrecognizedClientException":                   "AWS does not know this function's credentials",
	"InvalidSignatureException":                     "AWS refuses this function's signature; look at its credentials and clock",
	"ExpiredTokenException":                         "this function's credentials have expired",
	"MissingAuthenticationTokenException":           "this function has no credentials",
	"ValidationException":                           "KMS refuses the request as malformed; look at the key's ARN",
}

// explain tells what an answer means in words of ours. KMS's own may hold ARNs.
func explain(err error) error {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return fault.Wrap(err, fault.Unavailable, "KMS cannot be reached; the vault stays closed until it can")
	}
	code := answered.ErrorCode()
	if code == (&types.InvalidCiphertextException{}).ErrorCode() {
		return fault.Wrap(err, fault.Internal, "a wrapped key of the vault is damaged or stands in the wrong place")
	}
	if words, ok := hopeless[code]; ok {
		if code == (&types.IncorrectKeyException{}).ErrorCode() {
			return fault.Wrap(err, fault.Forbidden, words) // which vault.Wrapper asks for
		}
		// It is for whoever runs the stack to mend: told that they may not, clients would
		// throw away what they can send again.
		return fault.Wrap(err, fault.Internal, words)
	}
	return fault.Wrap(err, fault.Unavailable, "KMS is busy or failing; the vault stays closed until it answers")
}
