import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "@pulumi/alicloud/package.json";
import type { Change } from "../../lab/machine/provider/changes";
import { HalfMade, type Remembered } from "../../lab/machine/provider/serve";
import { type Properties, plain } from "../../lab/machine/provider/values";
import type { Given, Trouble } from "../../lab/rehearsal/alicloud-provider/cloud";
import { end } from "../../lab/rehearsal/alicloud-provider/processes";
import { CloudProvider } from "../../lab/rehearsal/alicloud-provider/provider";
import { loopbackSite } from "../../lab/rehearsal/alicloud-provider/sites";

export const zone = "cn-hangzhou-h";
export const vswitchId = "vsw-there";

/** A resource in the engine's memory. */
export interface Made extends Remembered {
    readonly type: string;
}

/** A cloud account for one test on the loopback address, with an existing network. It also plays the part of the engine. */
export class TestCloud {
    readonly folder = mkdtempSync(join(tmpdir(), "cloud-"));
    private readonly made: Made[] = [];

    private constructor(readonly provider: CloudProvider) {}

    static async open(given: Given = {}): Promise<TestCloud> {
        const cloud = new TestCloud(undefined as never);
        const there = { id: vswitchId, vpcId: "vpc-there", zoneId: zone, cidrBlock: "10.1.0.0/24" };
        writeFileSync(join(cloud.folder, "given.json"), JSON.stringify({ vSwitches: [there], registries: ["cri-there"], ...given }));
        const provider = new CloudProvider(version, cloud.folder, loopbackSite);
        await provider.configure({ region: "cn-hangzhou", accessKey: "key", secretKey: "secret" });
        return Object.assign(cloud, { provider });
    }

    trouble(type: string, trouble: Trouble): void {
        writeFileSync(join(this.folder, "trouble.json"), JSON.stringify({ [type]: trouble }));
    }

    subject = (type: string) => ({ urn: `urn:pulumi:dev::shop::${type}::it`, type, name: "it", log: () => {} });

    check(type: string, news: Properties, olds: Properties = {}) {
        return this.provider.check(this.subject(type), news, olds);
    }

    /** The faults that a preview reports. */
    refusals(type: string, news: Properties): string[] {
        return this.check(type, news).failures.map(({ property, reason }) => `${property}: ${reason}`);
    }

    async create(type: string, news: Properties): Promise<Made> {
        const { inputs, failures } = this.check(type, news);
        assert.deepEqual(failures, []);
        const { id = "", outputs } = await this.provider.create(this.subject(type), inputs, false);
        const made = { type, id, inputs, outputs };
        this.made.push(made);
        return made;
    }

    /** The changes that an `up` would make, without the properties in `ignored`. */
    changes(made: Made, news: Properties, ignored: readonly string[] = []): Change[] {
        return this.provider.diff(this.subject(made.type), made, this.check(made.type, news, made.inputs).inputs, ignored);
    }

    /** Creates a resource whose later setup fails. Returns its record in the engine's state. */
    async createHalf(type: string, news: Properties): Promise<Made> {
        const error = await this.create(type, news).then(
            () => assert.fail("it was made"),
            (error) => error,
        );
        assert.ok(error instanceof HalfMade, String(error));
        const made = { ...error.made, type };
        this.made.push(made);
        return made;
    }

    async refresh(made: Made): Promise<void> {
        Object.assign(made, await this.read(made));
    }

    async update(made: Made, news: Properties, ignored: readonly string[] = []): Promise<Properties> {
        const { inputs } = this.check(made.type, news, made.inputs);
        made.outputs = await this.provider.update(this.subject(made.type), made, inputs, false, ignored);
        made.inputs = inputs;
        return plain(made.outputs) as Properties;
    }

    read = (made: Made) => this.provider.read(this.subject(made.type), made);
    delete = (made: Made) => this.provider.delete(this.subject(made.type), made);

    /** The data folder of a server of the cloud. */
    dataOf = ({ id }: Remembered) => join(this.folder, "data", id);

    async close(): Promise<void> {
        for (const { id } of this.made) {
            await end(id);
        }
        mkdirSync(this.folder, { recursive: true });
        rmSync(this.folder, { recursive: true, force: true });
    }
}
