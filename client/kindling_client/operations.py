"""A method for every operation of the API: the client without what all calls have in common."""

# Written by `make openapi` from the OpenAPI document.

from typing import Any, Literal, TypeVar

from kindling_client import models
from kindling_client.call import Call

T = TypeVar("T")


class Operations:
    """The operations, by their names in the OpenAPI document. What is None is not sent."""

    def _call(self, call: Call[T]) -> T:
        raise NotImplementedError

    def check_suppression(self, *, email: str) -> models.SuppressionChecked:
        """Check an address. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/v1/suppressions/check", {200: models.SuppressionChecked}, query={"email": email})
        )

    def commit_import(
        self, job_id: str, *, idempotency_key: str | None = None
    ) -> models.ImportCommitted | models.ImportCommitting:
        """Suppress the addresses of an import. Needs a key with the scope `send`."""
        return self._call(
            Call(
                "POST",
                "/v1/imports/suppressions/jobs/{job_id}/commit",
                {200: models.ImportCommitted, 202: models.ImportCommitting},
                path={"job_id": job_id},
                idempotency_key=idempotency_key,
            )
        )

    def create_account(
        self,
        *,
        username: str,
        domain_id: str,
        display_name: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        idempotency_key: str | None = None,
        respond_async: bool = False,
    ) -> models.AccountCreated | models.Accepted:
        """Create an account. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/api/email/accounts",
                {201: models.AccountCreated, 202: models.Accepted},
                body={
                    "username": username,
                    "domain_id": domain_id,
                    "display_name": display_name,
                    "first_name": first_name,
                    "last_name": last_name,
                },
                idempotency_key=idempotency_key,
                respond_async=respond_async,
            )
        )

    def create_accounts(
        self, *, accounts: list[models.CreateAccount], idempotency_key: str | None = None
    ) -> models.Accepted:
        """Create many accounts. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/api/email/accounts/batch",
                {202: models.Accepted},
                body={"accounts": accounts},
                idempotency_key=idempotency_key,
            )
        )

    def create_domain(
        self, *, domain: str, idempotency_key: str | None = None, respond_async: bool = False
    ) -> models.DomainCreated | models.Accepted:
        """Register a sending domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/api/email/domains",
                {201: models.DomainCreated, 202: models.Accepted},
                body={"domain": domain},
                idempotency_key=idempotency_key,
                respond_async=respond_async,
            )
        )

    def create_key(
        self,
        *,
        name: str,
        scopes: list[models.Scope] | None = None,
        live: bool | None = None,
        expires_in_days: int | None = None,
        idempotency_key: str | None = None,
    ) -> models.KeyIssued:
        """Make an API key. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "POST",
                "/api/keys",
                {201: models.KeyIssued},
                body={"name": name, "scopes": scopes, "live": live, "expires_in_days": expires_in_days},
                idempotency_key=idempotency_key,
            )
        )

    def create_sending_domain(
        self,
        *,
        domain: str,
        type: models.DomainType | None = None,
        catch_all_enabled: bool | None = None,
        idempotency_key: str | None = None,
        respond_async: bool = False,
    ) -> models.SendingDomainCreated | models.Accepted:
        """Register a domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/v1/domains",
                {201: models.SendingDomainCreated, 202: models.Accepted},
                body={"domain": domain, "type": type, "catch_all_enabled": catch_all_enabled},
                idempotency_key=idempotency_key,
                respond_async=respond_async,
            )
        )

    def create_suppression(
        self, *, email: str, reason: models.Reason | None = None, idempotency_key: str | None = None
    ) -> models.SuppressionCreated:
        """Suppress an address. Needs a key with the scope `send`."""
        return self._call(
            Call(
                "POST",
                "/v1/suppressions",
                {201: models.SuppressionCreated},
                body={"email": email, "reason": reason},
                idempotency_key=idempotency_key,
            )
        )

    def create_webhook(
        self,
        *,
        url: str,
        events: list[str] | None = None,
        style: models.Style | None = None,
        idempotency_key: str | None = None,
    ) -> models.WebhookCreated:
        """Send events to a URL. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "POST",
                "/v1/webhooks",
                {201: models.WebhookCreated},
                body={"url": url, "events": events, "style": style},
                idempotency_key=idempotency_key,
            )
        )

    def delete_account(self, account_id: str, *, respond_async: bool = False) -> models.Success | models.Accepted:
        """Delete an account. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "DELETE",
                "/api/email/accounts/{account_id}",
                {200: models.Success, 202: models.Accepted},
                path={"account_id": account_id},
                respond_async=respond_async,
            )
        )

    def delete_domain(self, domain_id: str, *, respond_async: bool = False) -> models.Success | models.Accepted:
        """Delete a domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "DELETE",
                "/api/email/domains/{domain_id}",
                {200: models.Success, 202: models.Accepted},
                path={"domain_id": domain_id},
                respond_async=respond_async,
            )
        )

    def delete_sending_domain(self, domain_id: str, *, respond_async: bool = False) -> models.Success | models.Accepted:
        """Delete a domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "DELETE",
                "/v1/domains/{domain_id}",
                {200: models.Success, 202: models.Accepted},
                path={"domain_id": domain_id},
                respond_async=respond_async,
            )
        )

    def delete_suppression(self, email: str) -> models.Success:
        """Allow an address again. Needs a key with the scope `send`."""
        return self._call(Call("DELETE", "/v1/suppressions/{email}", {200: models.Success}, path={"email": email}))

    def delete_webhook(self, webhook_id: str) -> models.Success:
        """Delete a webhook. Needs a key with the scope `admin`."""
        return self._call(
            Call("DELETE", "/v1/webhooks/{webhook_id}", {200: models.Success}, path={"webhook_id": webhook_id})
        )

    def erase_recipient(self, *, email: str, idempotency_key: str | None = None) -> models.Erased:
        """Erase an address from the log of messages. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "POST",
                "/v1/recipients/erase",
                {200: models.Erased},
                body={"email": email},
                idempotency_key=idempotency_key,
            )
        )

    def explain_warming(
        self,
        domain_id: str,
        *,
        recipients: int | None = None,
        mailbox_providers: dict[str, int] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ExplainAnswer:
        """Ask the gate without sending. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "POST",
                "/v1/domains/{domain_id}/warming/explain",
                {200: models.ExplainAnswer},
                path={"domain_id": domain_id},
                body={"recipients": recipients, "mailbox_providers": mailbox_providers},
                idempotency_key=idempotency_key,
            )
        )

    def export_recipient(
        self, *, email: str, limit: int | None = None, cursor: str | None = None
    ) -> models.RecipientExport:
        """Export what is kept about an address. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "GET",
                "/v1/recipients/export",
                {200: models.RecipientExport},
                query={"limit": limit, "cursor": cursor, "email": email},
            )
        )

    def get_account(self, account_id: str) -> models.AccountAnswer:
        """Read an account. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET", "/api/email/accounts/{account_id}", {200: models.AccountAnswer}, path={"account_id": account_id}
            )
        )

    def get_daily_stats(self, domain_id: str, *, days: int | None = None) -> models.DailyStatsAnswer:
        """Read figures by day. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/domains/{domain_id}/stats/daily",
                {200: models.DailyStatsAnswer},
                path={"domain_id": domain_id},
                query={"days": days},
            )
        )

    def get_dns_records(self, domain_id: str) -> models.ZoneAnswer:
        """Read a domain's zone. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/api/email/domains/{domain_id}/dns-records",
                {200: models.ZoneAnswer},
                path={"domain_id": domain_id},
            )
        )

    def get_docs(self) -> str:
        """Show the OpenAPI document. Needs no key."""
        return self._call(Call("GET", "/docs", {}))

    def get_domain(self, domain_id: str) -> models.DomainAnswer:
        """Read a domain. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/api/email/domains/{domain_id}", {200: models.DomainAnswer}, path={"domain_id": domain_id})
        )

    def get_email(self, email_id: str) -> models.EmailAnswer:
        """Get a sent message. Needs a key with the scope `read`."""
        return self._call(Call("GET", "/v1/emails/{email_id}", {200: models.EmailAnswer}, path={"email_id": email_id}))

    def get_health(self) -> models.Health:
        """Check that the API answers. Needs no key."""
        return self._call(Call("GET", "/healthz", {200: models.Health}))

    def get_hourly_stats(self, domain_id: str, *, hours: int | None = None) -> models.HourlyStatsAnswer:
        """Read figures by hour. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/domains/{domain_id}/stats/hourly",
                {200: models.HourlyStatsAnswer},
                path={"domain_id": domain_id},
                query={"hours": hours},
            )
        )

    def get_import(self, job_id: str, *, limit: int | None = None, cursor: str | None = None) -> models.ImportAnswer:
        """Read an import of suppressions. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/imports/suppressions/jobs/{job_id}",
                {200: models.ImportAnswer},
                path={"job_id": job_id},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def get_index(self) -> models.Index:
        """Find the way. Needs no key."""
        return self._call(Call("GET", "/", {200: models.Index}))

    def get_isp_stats(self, domain_id: str, *, days: int | None = None) -> models.IspStatsAnswer:
        """Read figures by mailbox provider. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/domains/{domain_id}/stats/isp",
                {200: models.IspStatsAnswer},
                path={"domain_id": domain_id},
                query={"days": days},
            )
        )

    def get_openapi(self) -> models.Description:
        """Read the OpenAPI document. Needs no key."""
        return self._call(Call("GET", "/openapi.json", {200: models.Description}))

    def get_operation(
        self, operation_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> models.OperationAnswer:
        """Read an operation. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/api/operations/{operation_id}",
                {200: models.OperationAnswer},
                path={"operation_id": operation_id},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def get_sending_domain(self, domain_id: str) -> models.SendingDomainAnswer:
        """Read a domain. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/v1/domains/{domain_id}", {200: models.SendingDomainAnswer}, path={"domain_id": domain_id})
        )

    def get_sending_domain_dns(self, domain_id: str) -> models.DnsAnswer:
        """Read a domain's records. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/v1/domains/{domain_id}/dns", {200: models.DnsAnswer}, path={"domain_id": domain_id})
        )

    def get_stats(self, domain_id: str, *, days: int | None = None) -> models.StatsAnswer:
        """Read figures. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/domains/{domain_id}/stats",
                {200: models.StatsAnswer},
                path={"domain_id": domain_id},
                query={"days": days},
            )
        )

    def get_usage(
        self, *, limit: int | None = None, cursor: str | None = None, days: int | None = None
    ) -> models.UsageAnswer:
        """Read usage and quotas. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/usage/summary",
                {200: models.UsageAnswer},
                query={"limit": limit, "cursor": cursor, "days": days},
            )
        )

    def get_warming(self, domain_id: str) -> models.WarmingAnswer:
        """Read warming. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/v1/domains/{domain_id}/warming", {200: models.WarmingAnswer}, path={"domain_id": domain_id})
        )

    def get_warming_schedules(self) -> models.SchedulesAnswer:
        """Read schedules. Needs a key with the scope `read`."""
        return self._call(Call("GET", "/v1/warming/schedules", {200: models.SchedulesAnswer}))

    def get_warmup_analytics(self, *, limit: int | None = None, cursor: str | None = None) -> models.AnalyticsAnswer:
        """Read warmup figures. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/api/email/accounts/warmup-analytics",
                {200: models.AnalyticsAnswer},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def list_accounts(self, *, limit: int | None = None, cursor: str | None = None) -> models.AccountsAnswer:
        """List accounts. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/api/email/accounts", {200: models.AccountsAnswer}, query={"limit": limit, "cursor": cursor})
        )

    def list_all_deliveries(
        self, *, limit: int | None = None, cursor: str | None = None, status: models.DeliveryStatus | None = None
    ) -> models.DeliveriesAnswer:
        """List the deliveries to all webhooks, newest first. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/webhook-deliveries",
                {200: models.DeliveriesAnswer},
                query={"limit": limit, "cursor": cursor, "status": status},
            )
        )

    def list_audit_entries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: str | None = None,
        until: str | None = None,
        key_id: str | None = None,
        method: Literal["POST", "PUT", "PATCH", "DELETE"] | None = None,
        route: str | None = None,
        subject: str | None = None,
    ) -> models.AuditAnswer:
        """List what was asked for with which key. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "GET",
                "/v1/audit",
                {200: models.AuditAnswer},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "since": since,
                    "until": until,
                    "key_id": key_id,
                    "method": method,
                    "route": route,
                    "subject": subject,
                },
            )
        )

    def list_cleanups(self, *, limit: int | None = None, cursor: str | None = None) -> models.CleanupsAnswer:
        """List cleanups. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/api/cleanups", {200: models.CleanupsAnswer}, query={"limit": limit, "cursor": cursor})
        )

    def list_deliveries(
        self,
        webhook_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: models.DeliveryStatus | None = None,
    ) -> models.DeliveriesAnswer:
        """List the deliveries to a webhook, newest first. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/webhooks/{webhook_id}/deliveries",
                {200: models.DeliveriesAnswer},
                path={"webhook_id": webhook_id},
                query={"limit": limit, "cursor": cursor, "status": status},
            )
        )

    def list_domains(
        self, *, limit: int | None = None, cursor: str | None = None, skip_sync: bool | None = None
    ) -> models.DomainsAnswer:
        """List domains. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/api/email/domains",
                {200: models.DomainsAnswer},
                query={"limit": limit, "cursor": cursor, "skip_sync": skip_sync},
            )
        )

    def list_email_events(self, email_id: str) -> models.EmailEventsAnswer:
        """List what was reported about a message. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/v1/emails/{email_id}/events", {200: models.EmailEventsAnswer}, path={"email_id": email_id})
        )

    def list_emails(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: models.Status | None = None,
        from_: str | None = None,
        to: str | None = None,
        subject: str | None = None,
        domain: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> models.EmailsAnswer:
        """List sent messages. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/emails",
                {200: models.EmailsAnswer},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "status": status,
                    "from": from_,
                    "to": to,
                    "subject": subject,
                    "domain": domain,
                    "since": since,
                    "until": until,
                },
            )
        )

    def list_inventory(self, *, limit: int | None = None, cursor: str | None = None) -> models.InventoryAnswer:
        """List inventory findings. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/api/inventory", {200: models.InventoryAnswer}, query={"limit": limit, "cursor": cursor})
        )

    def list_keys(self, *, limit: int | None = None, cursor: str | None = None) -> models.KeysAnswer:
        """List API keys. Needs a key with the scope `admin`."""
        return self._call(Call("GET", "/api/keys", {200: models.KeysAnswer}, query={"limit": limit, "cursor": cursor}))

    def list_sending_domains(
        self, *, limit: int | None = None, cursor: str | None = None, offset: int | None = None
    ) -> models.SendingDomainsAnswer:
        """List domains. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/domains",
                {200: models.SendingDomainsAnswer},
                query={"limit": limit, "cursor": cursor, "offset": offset},
            )
        )

    def list_suppressions(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        query: str | None = None,
        reason: models.Reason | None = None,
        source: models.Source | None = None,
        scope_type: models.ScopeType | None = None,
        scope_id: str | None = None,
        offset: int | None = None,
    ) -> models.SuppressionsAnswer:
        """List suppressions. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/suppressions",
                {200: models.SuppressionsAnswer},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "query": query,
                    "reason": reason,
                    "source": source,
                    "scope_type": scope_type,
                    "scope_id": scope_id,
                    "offset": offset,
                },
            )
        )

    def list_warming_history(
        self, domain_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> models.HistoryAnswer:
        """Read the history of warming. Needs a key with the scope `read`."""
        return self._call(
            Call(
                "GET",
                "/v1/domains/{domain_id}/warming/history",
                {200: models.HistoryAnswer},
                path={"domain_id": domain_id},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def list_webhooks(self, *, limit: int | None = None, cursor: str | None = None) -> models.WebhooksAnswer:
        """List webhooks, newest first. Needs a key with the scope `read`."""
        return self._call(
            Call("GET", "/v1/webhooks", {200: models.WebhooksAnswer}, query={"limit": limit, "cursor": cursor})
        )

    def pause_warming(
        self, domain_id: str, *, reason: str | None = None, idempotency_key: str | None = None
    ) -> models.PausedAnswer:
        """Pause warming. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/v1/domains/{domain_id}/warming/pause",
                {200: models.PausedAnswer},
                path={"domain_id": domain_id},
                body={"reason": reason},
                idempotency_key=idempotency_key,
            )
        )

    def preview_import(
        self,
        *,
        csv: str | None = None,
        rows: list[dict[str, Any]] | None = None,
        reason: models.Reason | None = None,
        idempotency_key: str | None = None,
    ) -> models.ImportPreviewed:
        """Check addresses to suppress. Needs a key with the scope `send`."""
        return self._call(
            Call(
                "POST",
                "/v1/imports/suppressions/preview",
                {201: models.ImportPreviewed},
                body={"csv": csv, "rows": rows, "reason": reason},
                idempotency_key=idempotency_key,
            )
        )

    def receive_agentmail(self, *, tenant: str | None = None) -> models.Received:
        """Receive AgentMail's webhooks. Needs no key."""
        return self._call(Call("POST", "/webhooks/agentmail", {200: models.Received}, query={"tenant": tenant}))

    def replay_deliveries(
        self,
        webhook_id: str,
        *,
        delivery_id: str | None = None,
        since: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.Replayed:
        """Enable a webhook and send again what was not delivered. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "POST",
                "/v1/webhooks/{webhook_id}/replay",
                {202: models.Replayed},
                path={"webhook_id": webhook_id},
                body={"delivery_id": delivery_id, "since": since},
                idempotency_key=idempotency_key,
            )
        )

    def resume_warming(self, domain_id: str, *, idempotency_key: str | None = None) -> models.ResumedAnswer:
        """Resume warming. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/v1/domains/{domain_id}/warming/resume",
                {200: models.ResumedAnswer},
                path={"domain_id": domain_id},
                idempotency_key=idempotency_key,
            )
        )

    def retry_warmup(self, account_id: str, *, idempotency_key: str | None = None) -> models.AccountAnswer:
        """Retry a warmup. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "PATCH",
                "/api/email/accounts/{account_id}/retry-warmup",
                {200: models.AccountAnswer},
                path={"account_id": account_id},
                idempotency_key=idempotency_key,
            )
        )

    def revoke_key(self, key_id: str, *, force: bool | None = None) -> models.KeyAnswer:
        """Revoke an API key. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "DELETE", "/api/keys/{key_id}", {200: models.KeyAnswer}, path={"key_id": key_id}, query={"force": force}
            )
        )

    def rotate_key(
        self, key_id: str, *, overlap_hours: int | None = None, idempotency_key: str | None = None
    ) -> models.KeyIssued:
        """Rotate an API key. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "POST",
                "/api/keys/{key_id}/rotate",
                {201: models.KeyIssued},
                path={"key_id": key_id},
                body={"overlap_hours": overlap_hours},
                idempotency_key=idempotency_key,
            )
        )

    def rotate_webhook_secret(
        self, webhook_id: str, *, overlap_hours: int | None = None, idempotency_key: str | None = None
    ) -> models.WebhookWithSecret:
        """Replace the signing secret of a webhook. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "POST",
                "/v1/webhooks/{webhook_id}/rotate",
                {200: models.WebhookWithSecret},
                path={"webhook_id": webhook_id},
                body={"overlap_hours": overlap_hours},
                idempotency_key=idempotency_key,
            )
        )

    def send_batch(self, *, emails: list[dict[str, Any]], idempotency_key: str | None = None) -> models.BatchSent:
        """Send messages. Needs a key with the scope `send`."""
        return self._call(
            Call(
                "POST",
                "/v1/send/batch",
                {202: models.BatchSent},
                body={"emails": emails},
                idempotency_key=idempotency_key,
            )
        )

    def send_email(
        self,
        *,
        from_: str,
        to: list[str],
        cc: list[str] | None = None,
        bcc: list[str] | None = None,
        reply_to: str | None = None,
        subject: str | None = None,
        html_body: str | None = None,
        text_body: str | None = None,
        headers: dict[str, str] | None = None,
        tags: list[str] | None = None,
        attachments: list[models.AttachedFile] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Sent:
        """Send a message. Needs a key with the scope `send`."""
        return self._call(
            Call(
                "POST",
                "/v1/send",
                {202: models.Sent},
                body={
                    "from": from_,
                    "to": to,
                    "cc": cc,
                    "bcc": bcc,
                    "reply_to": reply_to,
                    "subject": subject,
                    "html_body": html_body,
                    "text_body": text_body,
                    "headers": headers,
                    "tags": tags,
                    "attachments": attachments,
                },
                idempotency_key=idempotency_key,
            )
        )

    def set_warming_cap(self, domain_id: str, *, daily_limit: int | None) -> models.CapAnswer:
        """Cap a warmed domain. Needs a key with the scope `admin`."""
        return self._call(
            Call(
                "PUT",
                "/v1/domains/{domain_id}/warming/cap",
                {200: models.CapAnswer},
                path={"domain_id": domain_id},
                body={"daily_limit": daily_limit},
                cleared=("daily_limit",),
            )
        )

    def set_warming_schedule(
        self,
        *,
        preset: str | None = None,
        phases: models.Phases | None = None,
        thresholds: models.Thresholds | None = None,
        mailbox_providers: dict[str, float] | None = None,
    ) -> models.ScheduleAnswer:
        """Choose a schedule. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "PUT",
                "/v1/warming/schedules",
                {200: models.ScheduleAnswer},
                body={
                    "preset": preset,
                    "phases": phases,
                    "thresholds": thresholds,
                    "mailbox_providers": mailbox_providers,
                },
            )
        )

    def start_warming(
        self, domain_id: str, *, force: bool | None = None, idempotency_key: str | None = None
    ) -> models.StartedAnswer:
        """Start warming. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/v1/domains/{domain_id}/warming/start",
                {200: models.StartedAnswer},
                path={"domain_id": domain_id},
                body={"force": force},
                idempotency_key=idempotency_key,
            )
        )

    def sync_dns_records(
        self, domain_id: str, *, dry_run: bool | None = None, idempotency_key: str | None = None
    ) -> models.SyncAnswer:
        """Publish a domain's records. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/api/email/domains/{domain_id}/dns-records/sync",
                {200: models.SyncAnswer},
                path={"domain_id": domain_id},
                query={"dry_run": dry_run},
                idempotency_key=idempotency_key,
            )
        )

    def update_account(
        self,
        account_id: str,
        *,
        signature: str | None = None,
        display_name: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        warmup_enabled: bool | None = None,
        idempotency_key: str | None = None,
    ) -> models.AccountAnswer:
        """Change an account. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "PATCH",
                "/api/email/accounts/{account_id}",
                {200: models.AccountAnswer},
                path={"account_id": account_id},
                body={
                    "signature": signature,
                    "display_name": display_name,
                    "first_name": first_name,
                    "last_name": last_name,
                    "warmup_enabled": warmup_enabled,
                },
                idempotency_key=idempotency_key,
            )
        )

    def update_domain(
        self, domain_id: str, *, status: Literal["pending", "verifying", "failed"], idempotency_key: str | None = None
    ) -> models.DomainAnswer:
        """Override a domain's status. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "PATCH",
                "/api/email/domains/{domain_id}",
                {200: models.DomainAnswer},
                path={"domain_id": domain_id},
                body={"status": status},
                idempotency_key=idempotency_key,
            )
        )

    def update_sending_domain(
        self,
        domain_id: str,
        *,
        type: models.DomainType | None = None,
        catch_all_enabled: bool | None = None,
        active: bool | None = None,
    ) -> models.SendingDomainAnswer:
        """Change a domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "PUT",
                "/v1/domains/{domain_id}",
                {200: models.SendingDomainAnswer},
                path={"domain_id": domain_id},
                body={"type": type, "catch_all_enabled": catch_all_enabled, "active": active},
            )
        )

    def verify_domain(
        self, domain_id: str, *, poll: bool | None = None, idempotency_key: str | None = None
    ) -> models.DomainAnswer:
        """Verify a domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/api/email/domains/{domain_id}/verify",
                {200: models.DomainAnswer},
                path={"domain_id": domain_id},
                query={"poll": poll},
                idempotency_key=idempotency_key,
            )
        )

    def verify_sending_domain(self, domain_id: str, *, idempotency_key: str | None = None) -> models.Verification:
        """Verify a domain. Needs a key with the scope `provision`."""
        return self._call(
            Call(
                "POST",
                "/v1/domains/{domain_id}/verify",
                {200: models.Verification},
                path={"domain_id": domain_id},
                idempotency_key=idempotency_key,
            )
        )
