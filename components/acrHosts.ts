/** The hosts of an instance of Container Registry Enterprise Edition: for pushes from anywhere, and for pulls from within the VPC. */
export function acrHosts(instanceName: string, region: string): { push: string; pull: string } {
    const host = (name: string) => `${instanceName}-${name}.${region}.cr.aliyuncs.com`;
    return { push: host("registry"), pull: host("registry-vpc") };
}
