import { RegistryEnterpriseNamespace } from "@pulumi/alicloud/cs/registryEnterpriseNamespace";
import { RegistryEnterpriseRepo } from "@pulumi/alicloud/cs/registryEnterpriseRepo";
import * as pulumi from "@pulumi/pulumi";

/** Where the image goes, and where nodes get it from: all that image and pull secret know of it. */
export interface Registry {
    /** The host that images are pushed to. */
    readonly push: string;
    /** The host that nodes pull from; the content is the same. */
    readonly pull: string;
    readonly repository: pulumi.Input<string>;
    readonly username: string;
    /** One that lasts: nodes go on pulling long after the deployment. */
    readonly password: pulumi.Input<string>;
}

export interface AcrRegistryArgs {
    /** An Enterprise Edition instance, there already: `cri-…`. */
    instanceId: string;
    /** Its hosts are named after it. */
    instanceName: string;
    region: string;
    namespace: string;
    repository: string;
    username: string;
    password: pulumi.Input<string>;
    /** Keeps namespace and repository, and with them all images, from being deleted or replaced by Pulumi. */
    protect: boolean;
}

/** A private repository in a Container Registry instance: pushed to from anywhere, pulled from within the VPC. */
export class AcrRegistry extends pulumi.ComponentResource implements Registry {
    readonly push: string;
    readonly pull: string;
    /** Whoever uses it waits until it is there. */
    readonly repository: pulumi.Output<string>;
    readonly username: string;
    readonly password: pulumi.Input<string>;

    constructor(name: string, args: AcrRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:registry:Acr", name, {}, opts);

        const { instanceId, protect } = args;
        const own = { parent: this, protect };
        const namespace = new RegistryEnterpriseNamespace(
            `${name}-namespace`,
            { instanceId, name: args.namespace, autoCreate: false, defaultVisibility: "PRIVATE" },
            own,
        );
        const repository = new RegistryEnterpriseRepo(
            `${name}-repository`,
            { instanceId, namespace: namespace.name, name: args.repository, repoType: "PRIVATE", summary: "The sms product" },
            own,
        );

        this.push = `${args.instanceName}-registry.${args.region}.cr.aliyuncs.com`;
        this.pull = `${args.instanceName}-registry-vpc.${args.region}.cr.aliyuncs.com`;
        this.repository = pulumi.interpolate`${repository.namespace}/${repository.name}`;
        this.username = args.username;
        this.password = args.password;
        this.registerOutputs({ repository: this.repository });
    }
}
