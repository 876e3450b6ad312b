package observe

import _ "embed"

// AlertRules are rules for Prometheus over these metrics, as YAML.
//
//go:embed alerts.yml
var AlertRules string

// Dashboard is a dashboard of these metrics for Grafana, as JSON.
//
//go:embed dashboard.json
var Dashboard string
