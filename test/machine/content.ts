import assert from "node:assert/strict";
import { kubectl } from "../../machine/kubernetes";

interface Live {
    kind: string;
    metadata: { name: string; uid: string; labels?: object; annotations?: object };
    spec?: object;
    data?: object;
}

/** Every kind that the product has, and those that people have beside it. */
const kinds =
    "deployments,statefulsets,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,persistentvolumeclaims,jobs,serviceaccounts";

/** All that is in a namespace, and the namespace itself, without what the cluster writes by itself; each as a text. */
export async function contentOf(namespace: string): Promise<string[]> {
    const all = await Promise.all([
        kubectl("get", "namespace", namespace, "--output=json"),
        kubectl("--namespace", namespace, "get", kinds, "--output=json"),
    ]);
    const [own, { items }] = all.map((text) => JSON.parse(text)) as [Live, { items: Live[] }];
    return [own, ...items].map(({ kind, metadata: { name, uid, labels, annotations }, spec, data }) =>
        JSON.stringify({ kind, name, uid, labels, annotations, spec, data }),
    );
}

/** Everything is as it was after the work, and nothing is new. */
export async function assertUntouched(namespace: string, work: () => Promise<void>): Promise<void> {
    const before = await contentOf(namespace);
    await work();
    assert.deepEqual(await contentOf(namespace), before, `something in ${namespace} has changed`);
}
