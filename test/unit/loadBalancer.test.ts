import assert from "node:assert/strict";
import { LoadBalancer } from "../../components/loadBalancer";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { managed } from "./managedArgs";

describe("The load balancer", () => {
    const args = {
        namespace: "sms",
        instanceName: "sms-online",
        network: managed.network,
        scheme: "internal" as const,
        securityGroupIds: [],
        drainSeconds: 60,
        tags: { product: "sms", environment: "online" },
        protect: true,
    };
    const loadBalancer = (changes = {}) => deploy(() => new LoadBalancer("load-balancer", { ...args, ...changes }));
    const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

    it("is exactly this: an NLB in the VPC, with an address in each zone, that checks whether pods are ready", async () => {
        const { deployed } = await loadBalancer();
        const { metadata, spec } = deployed.one(types.service).inputs;
        assert.deepEqual(spec, {
            type: "LoadBalancer",
            loadBalancerClass: "alibabacloud.com/nlb",
            selector: { app: "sms-web" },
            ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: 8004 }],
        });
        assert.deepEqual(metadata, {
            name: "sms-load-balancer",
            namespace: "sms",
            annotations: {
                [`${prefix}name`]: "sms-online",
                [`${prefix}zone-maps`]: "cn-hangzhou-h:vsw-h,cn-hangzhou-i:vsw-i",
                [`${prefix}address-type`]: "intranet",
                [`${prefix}protocol-port`]: "tcp:80",
                [`${prefix}connection-drain`]: "on",
                [`${prefix}connection-drain-timeout`]: "60",
                [`${prefix}health-check-flag`]: "on",
                [`${prefix}health-check-type`]: "http",
                [`${prefix}health-check-uri`]: "/readyz",
                [`${prefix}additional-resource-tags`]: "product=sms,environment=online",
            },
        });
    });

    for (const protect of [true, false]) {
        it(`is ${protect ? "protected" : "not protected"} from deletion and replacement, as set: the address would change`, async () => {
            const { deployed } = await loadBalancer({ protect });
            assert.equal(deployed.one(types.service).protect, protect);
        });
    }

    it("ends TLS with a certificate, for internet clients that its security groups allow", async () => {
        const { deployed, result } = await loadBalancer({
            scheme: "internet",
            certificateId: "12345678-cn-hangzhou",
            securityGroupIds: ["sg-1", "sg-2"],
        });
        const { metadata, spec } = deployed.one(types.service).inputs;
        const said = ["address-type", "protocol-port", "cert-id", "security-group-ids"].map(
            (key) => metadata.annotations[`${prefix}${key}`],
        );
        assert.deepEqual(said, ["internet", "tcpssl:443", "12345678-cn-hangzhou", "sg-1,sg-2"]);
        assert.deepEqual(spec.ports, [{ name: "https", protocol: "TCP", port: 443, targetPort: 8004 }]);
        assert.deepEqual(await resolve(result.url), { value: "https://nlb-1.example.com", secret: false });
    });

    it("has one vSwitch of each zone", async () => {
        const pods = { id: "vsw-pods", zone: "cn-hangzhou-h", cidr: "10.1.8.0/24" };
        const network = { ...managed.network, vSwitches: [...managed.network.vSwitches, pods] };
        const { deployed } = await loadBalancer({ network });
        assert.equal(
            deployed.one(types.service).inputs.metadata.annotations[`${prefix}zone-maps`],
            "cn-hangzhou-h:vsw-h,cn-hangzhou-i:vsw-i",
        );
    });
});
