import { RegistryEnterpriseNamespace } from "@pulumi/alicloud/cs/registryEnterpriseNamespace";
import { RegistryEnterpriseRepo } from "@pulumi/alicloud/cs/registryEnterpriseRepo";
import * as pulumi from "@pulumi/pulumi";
import { acrHosts } from "./acrHosts";

/** The registry that images are pushed to and that nodes pull from, with everything that image and pull secret need to know. */
export interface Registry {
    /** The host that images are pushed to. */
    readonly push: string;
    /** The host that nodes pull from; the content is the same. */
    readonly pull: string;
    readonly repository: pulumi.Input<string>;
    /** Undefined if anybody may pull. */
    readonly account?: Account;
}

export interface Account {
    readonly username: string;
    /** A permanent password, because nodes still pull long after the deployment. */
    readonly password: pulumi.Input<string>;
}

export interface AcrRegistryArgs {
    /** The id of an existing Enterprise Edition instance: `cri-…`. */
    instanceId: string;
    /** The host names contain this name. */
    instanceName: string;
    region: string;
    namespace: string;
    repository: string;
    account: Account;
    /** Whether a tag can't be overwritten. If undefined, the cloud's setting stays. */
    immutableTags?: boolean;
    /** Stops Pulumi from deleting or replacing namespace and repository, and so all images. */
    protect: boolean;
}

/** A private repository in a Container Registry instance. Images are pushed from anywhere and pulled from within the VPC. */
export class AcrRegistry extends pulumi.ComponentResource implements Registry {
    readonly push: string;
    readonly pull: string;
    /** Resources that use it wait until the repository exists. */
    readonly repository: pulumi.Output<string>;
    readonly account: Account;

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
            {
                instanceId,
                namespace: namespace.name,
                name: args.repository,
                repoType: "PRIVATE",
                summary: "The sms product",
                tagImmutability: args.immutableTags,
            },
            own,
        );

        const { push, pull } = acrHosts(args.instanceName, args.region);
        this.push = push;
        this.pull = pull;
        this.repository = pulumi.interpolate`${repository.namespace}/${repository.name}`;
        this.account = args.account;
        this.registerOutputs({ repository: this.repository });
    }
}
