import { readFileSync } from "node:fs";
import { ApiObject, App, Chart } from "cdk8s";

/** The same finished manifests. A real program of cdk8s would also have to generate them. */
const manifests: { apiVersion: string; kind: string }[] = JSON.parse(readFileSync(process.env.MANIFESTS as string, "utf8"));
const app = new App();
const chart = new Chart(app, "sms");
for (const [index, manifest] of manifests.entries()) {
    new ApiObject(chart, `${manifest.kind}-${index}`, manifest);
}
app.synth();
