import * as pulumi from "@pulumi/pulumi";

it("imports the SDK", () => {
    pulumi.output(1);
});
