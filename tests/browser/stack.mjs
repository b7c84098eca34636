// The local stack, and the tenant that it begins with, as its operator and its platform use them.
import { spawn } from "node:child_process";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const CONFIG = "/v1/integrations/aws-identity-center/config";

export class Stack {
  // Starts `cargo local`'s program on free ports, with an empty data folder.
  static async start(program) {
    const data = await mkdtemp(join(tmpdir(), "trustplane-browser-"));
    const child = spawn(program, ["--port", "0", "--json", "--data", data], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", (text) => resolve([text]));
      child.once("exit", (code) => reject(new Error(`the local stack ended with ${code}`)));
    });
    return Object.assign(new Stack(), { child, data, ...JSON.parse(line) });
  }

  // Sends a request as the tenant's administrator.
  async send(method, path, body, headers = {}) {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "x-tenant-id": this.tenant_id, "content-type": "application/json", accept: "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, etag: response.headers.get("etag"), body: text ? JSON.parse(text) : null };
  }

  async expect(status, method, path, body, headers) {
    const reply = await this.send(method, path, body, headers);
    if (reply.status !== status) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply;
  }

  // Gives the demonstration identity provider a command.
  async provider(command) {
    const response = await fetch(`${this.url}/_idp/${command}`, { method: "POST" });
    if (!response.ok) throw new Error(`${command}: ${response.status}`);
  }

  // Removes the connection and the provider, so that a test begins with a tenant that has neither.
  async reset() {
    const base = `/v1/identity-stores/${this.identity_store_id}/external-idp`;
    const listed = await this.send("GET", base);
    const provider = listed.body?.associations?.[0];
    if (provider) {
      if (provider.is_enabled) await this.expect(200, "POST", `${base}/${provider.idp_id}/disable`);
      await this.expect(200, "DELETE", `${base}/${provider.idp_id}`);
    }
    await this.expect(204, "DELETE", CONFIG);
  }

  // Saves and tests a connection that works.
  async connect() {
    const body = { sso_instance_arn: this.sso_instance_arn, role_arn: this.role_arn, region: this.region };
    await this.expect(200, "PUT", CONFIG, body);
    // Earlier tests may have spent the budget of the minute.
    for (let attempt = 0; attempt < 90; attempt += 1) {
      const { status, body: report } = await this.send("POST", "/v1/integrations/aws-identity-center/test", {});
      if (status === 200) return;
      if (status !== 429) throw new Error(`the connection cannot be tested: ${status} ${JSON.stringify(report)}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    throw new Error("no budget for a test of the connection in 90 seconds");
  }

  // Makes a configuration with a version that names domains. Returns its path and its id.
  async configuration(domains) {
    const id = `org-${Date.now()}-${Math.floor(Math.random() * 1e6)}`;
    await this.expect(201, "POST", "/organisations", { OrganisationId: id, OrganisationName: "Acme" });
    const server = await this.expect(201, "POST", `/organisations/${id}/authorisationservers`, {
      CustomerFriendlyName: "Acme", CustomerFriendlyLogoUri: "https://acme.example/logo.svg", Issuer: "https://auth.acme.example",
      OpenIDDiscoveryDocument: "https://auth.acme.example/.well-known/openid-configuration",
    });
    const base = `/organisations/${id}/authorisationservers/${server.body.AuthorisationServerId}/sso-configuration`;
    const made = await this.expect(201, "POST", base, { DisplayName: "Acme staff", Contacts: ["it@acme.example"] });
    const path = `${base}/${made.body.ID}`;
    await this.expect(201, "POST", `${path}/versions`, {
      ClientID: "trustplane", RestrictedDomains: domains, SupportedDomains: domains, GroupClaim: "groups", AuthenticationPolicies: ["TWO_FACTOR"],
    });
    return { path, id: made.body.ID };
  }

  // Sets TXT records: pairs of name and text.
  async records(pairs) {
    await appendFile(join(this.data, "dns.txt"), pairs.map(([name, text]) => `${name} ${text}\n`).join(""));
  }

  async clearRecords() {
    await writeFile(join(this.data, "dns.txt"), "");
  }

  // Makes a setup link. Returns its reply: id, URL, and more.
  async link(fields) {
    return (await this.expect(201, "POST", "/v1/setup-links", { label: "Ada at Acme", ...fields })).body;
  }

  async stop() {
    this.child.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
    await rm(this.data, { recursive: true, force: true });
  }
}
