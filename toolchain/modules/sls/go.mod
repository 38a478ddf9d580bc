module sms/machine/sls

go 1.25.0

require (
	github.com/twmb/franz-go v1.18.1
	github.com/twmb/franz-go/pkg/kmsg v1.11.2
)
