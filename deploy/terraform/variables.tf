variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "An id of a project has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "Region of Cloud Run, Dataflow, Artifact Registry and Cloud Scheduler, such as southamerica-east1."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is written like southamerica-east1."
  }
}

variable "location" {
  description = "Where datasets and buckets lie: a region, or US or EU. It cannot be changed later."
  type        = string
  validation {
    condition     = can(regex("^(US|EU|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "A location is US, EU, or written like southamerica-east1."
  }
}

variable "dataset_prefix" {
  description = "In front of every dataset's name, such as shop_; ARMAZEM_BIGQUERY_DATASET_PREFIX of the jobs."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[A-Za-z0-9_]*$", var.dataset_prefix))
    error_message = "Letters, digits and underscores only."
  }
}

variable "image" {
  description = "Image of deploy/server, by digest. Empty: no jobs and no subscriber yet, as for the first apply, which makes the registry."
  type        = string
  default     = ""
  validation {
    condition     = var.image == "" || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest, …@sha256:…: a tag may be moved."
  }
}

variable "subscribers" {
  description = "Instances of the subscriber on Cloud Run. 0 where Dataflow takes the events."
  type        = number
  default     = 1
  validation {
    condition     = var.subscribers >= 0 && floor(var.subscribers) == var.subscribers
    error_message = "A whole number, 0 or more."
  }
}

variable "dataflow_template" {
  description = "Template that `armazem dataflow template` wrote, gs://…. Empty: no Dataflow."
  type        = string
  default     = ""
  validation {
    condition     = var.dataflow_template == "" || startswith(var.dataflow_template, "gs://")
    error_message = "A template is at gs://BUCKET/NAME."
  }
}

variable "dataflow_max_workers" {
  description = "Workers of Dataflow at most."
  type        = number
  default     = 4
  validation {
    condition     = var.dataflow_max_workers >= 1
    error_message = "At least one."
  }
}

variable "dataflow_subnetwork" {
  description = "Subnetwork of Dataflow's workers, regions/REGION/subnetworks/NAME. It needs Private Google Access. Null: the default network."
  type        = string
  default     = null
}

variable "load_schedule" {
  description = "When the files in the inbox are loaded, as of cron, in time_zone."
  type        = string
  default     = "30 22 * * *"
  validation {
    condition     = length(split(" ", var.load_schedule)) == 5
    error_message = "Five fields of cron."
  }
}

variable "build_schedule" {
  description = "When the warehouse is built, as of cron, in time_zone: after the load."
  type        = string
  default     = "0 23 * * *"
  validation {
    condition     = length(split(" ", var.build_schedule)) == 5
    error_message = "Five fields of cron."
  }
}

variable "time_zone" {
  description = "Business time: of the schedules, and ARMAZEM_TIME_ZONE. Set it before the first event."
  type        = string
  default     = "America/Sao_Paulo"
}

variable "inbox_days" {
  description = "Days after which a file in the inbox is deleted; what was loaded stays in the dataset raw."
  type        = number
  default     = 30
  validation {
    condition     = var.inbox_days >= 2
    error_message = "At least two, so that a failed load can be tried again."
  }
}

variable "publishers" {
  description = "Who may send events, such as serviceAccount:shop@other-project.iam.gserviceaccount.com."
  type        = set(string)
  default     = []
}

variable "uploaders" {
  description = "Who may put files into the inbox."
  type        = set(string)
  default     = []
}

variable "readers" {
  description = "Who may query the published datasets, besides the account armazem-reader, such as group:analysts@shop.example."
  type        = set(string)
  default     = []
}

variable "readers_see_live" {
  description = "Whether readers may read the dataset raw too, which the views in live need. It holds personal data."
  type        = bool
  default     = false
}

variable "github_repository" {
  description = "OWNER/NAME whose workflows may push images, without a key. Empty: none."
  type        = string
  default     = ""
  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "Written OWNER/NAME."
  }
}
