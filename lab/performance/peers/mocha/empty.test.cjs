const pulumi = require("@pulumi/pulumi");

it("imports the SDK", () => {
    pulumi.output(1);
});
