# The endpoints are Terraform's, the webhooks are the reconciler's: this file only renders their manifests.
locals {
  endpoints = {
    audit = {
      url    = "https://hooks.example.com/audit"
      events = { "elastio:recovery-point:create:started" = ["info"] }
    }
    oncall = {
      url = "https://hooks.example.com/oncall"
      events = {
        "elastio:recovery-point:create:started"  = ["info"]
        "elastio:recovery-point:iscan:unhealthy" = ["warning", "critical"]
      }
    }
  }

  webhooks = [for name, endpoint in local.endpoints : {
    apiVersion = "webhooks.reconciler/v1"
    kind       = "Webhook"
    metadata   = { name = name, labels = { team = "platform" } }
    spec = {
      url     = endpoint.url
      enabled = true
      events = [for type, severities in endpoint.events : {
        type     = type
        version  = "v0"
        severity = severities
      }]
    }
  }]
}

output "webhooks" {
  description = "The manifests, one YAML document per webhook."
  value       = join("---\n", [for webhook in local.webhooks : yamlencode(webhook)])
}
