/** A rule for the product's namespace and the namespaces of operators. */
import { type Checked, type RuleBetween, refusal } from "./rules";

export interface Namespaces {
    namespace: string;
    keda?: { namespace: string };
    networkPolicies: { metricsFrom: string };
}

export const namespaceRules: RuleBetween<Namespaces>[] = [
    { rule: namespaceIsNoOperators, blocks: ["namespace", "keda", "networkPolicies"] },
];

function namespaceIsNoOperators({ value: { namespace, keda, networkPolicies }, issues }: Checked<Namespaces>) {
    const operators = { "sms:keda.namespace": keda?.namespace, "sms:networkPolicies.metricsFrom": networkPolicies.metricsFrom };
    for (const [key, name] of Object.entries(operators)) {
        if (name === namespace) {
            issues.push(refusal(["namespace"], namespace, `another namespace than ${name}, which is ${key}`, "sms"));
        }
    }
}
