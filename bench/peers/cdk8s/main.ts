import { readFileSync } from "node:fs";
import { ApiObject, App, Chart } from "cdk8s";

/** The same manifests, as they come: what a program of cdk8s adds of its own is not in it. */
const manifests: { apiVersion: string; kind: string }[] = JSON.parse(readFileSync(process.env.MANIFESTS as string, "utf8"));
const app = new App();
const chart = new Chart(app, "sms");
for (const [index, manifest] of manifests.entries()) {
    new ApiObject(chart, `${manifest.kind}-${index}`, manifest);
}
app.synth();
