"""What an operator's own tools may see beside logs and counters: traces and faults. Both optional, without secrets.

traces   requests, calls outside, rounds and jobs of the engine as OpenTelemetry spans, to OTEL_EXPORTER_OTLP_ENDPOINT
faults   what the log calls an error, to Sentry or whatever speaks as it does, at KIOSK_SENTRY_DSN
"""
