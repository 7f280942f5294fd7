package metrics

type CollectorOption struct{}

func WithCollectorNamespace(string) CollectorOption { return CollectorOption{} }

func WithCollectorBatchDeliveryDurationBuckets([]float64) CollectorOption { return CollectorOption{} }
