/** The rules for every stack. They are checked at every preview, and again before each change: `pulumi up --policy-pack policies`. */
import { PolicyPack } from "@pulumi/policy";
import { resourcePolicies, stackPolicies } from "./all";
import { enforced, enforcedOnStack } from "./policy";

new PolicyPack("sms", {
    enforcementLevel: "mandatory",
    policies: [...resourcePolicies.map(enforced), ...stackPolicies.map(enforcedOnStack)],
});
