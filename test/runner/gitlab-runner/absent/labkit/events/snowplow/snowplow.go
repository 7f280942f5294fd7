// Package snowplow stands in for the sender of usage records. No configuration of these tests asks for one.
package snowplow

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"gitlab.com/gitlab-org/labkit/v2/events/snowplow/metrics"
	"gitlab.com/gitlab-org/labkit/v2/events/snowplow/oidc"
)

var errAbsent = errors.New("usage records are not built in")

type SendResult struct {
	EventCount int
	StatusCode int
	Err        error
}

type (
	SendCallback  func(successes, failures []SendResult)
	EmitterOption struct{}
	Emitter       struct{}
	Tracker       struct{}
)

func WithCallback(SendCallback) EmitterOption                              { return EmitterOption{} }
func WithTokenSource(oidc.Source) EmitterOption                            { return EmitterOption{} }
func WithMetricsCollectorOptions(...metrics.CollectorOption) EmitterOption { return EmitterOption{} }

func NewEmitter(string, ...EmitterOption) (*Emitter, error) { return nil, errAbsent }
func (*Emitter) Collector() prometheus.Collector            { return nil }

func NewTracker(string, *Emitter) (*Tracker, error) { return nil, errAbsent }
func (*Tracker) Stop()                              {}
func (*Tracker) TrackBillingEventWithOptionalInput(BillingEventRequiredInput, BillingEventOptionalInput) error {
	return errAbsent
}

type BillingEventRequiredInput struct {
	Category, EventType, Realm, UnitOfMeasure string
	Quantity                                  float64
}

type BillingEventOptionalInput struct {
	Subject, DeploymentType, InstanceID, UniqueInstanceID   string
	Metadata                                                map[string]any
	ProjectID, NamespaceID, RootNamespaceID, OrganizationID int64
}
