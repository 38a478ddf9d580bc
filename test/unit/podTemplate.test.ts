import assert from "node:assert/strict";
import { podTemplate } from "../../components/podTemplate";
import { labels, scraped } from "./appArgs";

describe("the pod template", () => {
    const pod = podTemplate({
        name: "sms-web",
        gracePeriodSeconds: 30,
        pullSecret: "pull-secret",
        container: { image: "sms:1", command: ["gunicorn"] },
        volumes: [
            { name: "data", mountPath: "/data" },
            { name: "tmp", mountPath: "/tmp", emptyDir: {} },
            { name: "config", mountPath: "/etc/app", readOnly: true, secret: { secretName: "config" } },
        ],
    });

    it("gives a pod only the rights that it needs", () => {
        assert.deepEqual(pod, {
            metadata: { labels: labels("sms-web") },
            spec: {
                automountServiceAccountToken: false,
                enableServiceLinks: false,
                securityContext: {
                    runAsNonRoot: true,
                    runAsUser: 10001,
                    runAsGroup: 10001,
                    fsGroup: 10001,
                    fsGroupChangePolicy: "OnRootMismatch",
                    seccompProfile: { type: "RuntimeDefault" },
                },
                imagePullSecrets: [{ name: "pull-secret" }],
                terminationGracePeriodSeconds: 30,
                containers: [
                    {
                        name: "sms-web",
                        image: "sms:1",
                        command: ["gunicorn"],
                        terminationMessagePolicy: "FallbackToLogsOnError",
                        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
                        volumeMounts: [
                            { name: "data", mountPath: "/data", readOnly: undefined },
                            { name: "tmp", mountPath: "/tmp", readOnly: undefined },
                            { name: "config", mountPath: "/etc/app", readOnly: true },
                        ],
                    },
                ],
                volumes: [
                    { name: "tmp", emptyDir: {} },
                    { name: "config", secret: { secretName: "config" } },
                ],
            },
        });
    });

    it("gives a sidecar no further rights, ends it after the container and mounts the same volumes", () => {
        const { spec } = podTemplate({
            name: "sms-web",
            gracePeriodSeconds: 30,
            pullSecret: "pull-secret",
            container: { image: "sms:1" },
            volumes: [{ name: "logs", mountPath: "/var/log", emptyDir: {} }],
            sidecars: [
                {
                    name: "shipper",
                    image: "shipper:1",
                    volumes: [
                        { name: "logs", mountPath: "/logs", readOnly: true },
                        { name: "state", mountPath: "/state", emptyDir: {} },
                    ],
                },
            ],
        }) as { spec: { initContainers: object; volumes: object } };
        assert.deepEqual(spec.initContainers, [
            {
                name: "shipper",
                image: "shipper:1",
                restartPolicy: "Always",
                terminationMessagePolicy: "FallbackToLogsOnError",
                securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
                volumeMounts: [
                    { name: "logs", mountPath: "/logs", readOnly: true },
                    { name: "state", mountPath: "/state", readOnly: undefined },
                ],
            },
        ]);
        assert.deepEqual(spec.volumes, [
            { name: "logs", emptyDir: {} },
            { name: "state", emptyDir: {} },
        ]);
    });

    it("has the annotations for Prometheus, and further ones for Kubernetes", () => {
        const { metadata, spec } = podTemplate({
            name: "sms-web",
            gracePeriodSeconds: 30,
            pullSecret: "pull-secret",
            container: { image: "sms:1" },
            volumes: [],
            metricsPort: 8004,
            spec: { restartPolicy: "Never" },
        }) as { metadata: object; spec: { restartPolicy: string } };
        assert.deepEqual([metadata, spec.restartPolicy], [{ labels: labels("sms-web"), annotations: scraped("8004") }, "Never"]);
    });
});
