"""Kubernetes manifests: valid by the schemas of Kubernetes, consistent, and about what the program really has."""

import copy
import functools
import re

import grpc
import kubernetes_validate
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc
from websockets.sync.client import connect

from images import image
from settings import KUBERNETES as SETTINGS
from settings import checked
from stage import Stage, wait_for
from tree import DEPLOY, LeftOut, program, run, seconds, setting, understood

KUBERNETES = DEPLOY / "kubernetes"
# The oldest with everything that is used, and the newest whose schemas there are.
VERSIONS = ("1.27", kubernetes_validate.latest_version())
PARTS = ("bridge", "chat", "notification", "presence")


def kustomization() -> dict:
    """What makes one of the manifests."""
    return yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())


@functools.cache
def manifests() -> list[dict]:
    """Every object that the kustomization names."""
    files = [KUBERNETES / name for name in kustomization()["resources"]]
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def objects(kind: str) -> dict[str, dict]:
    """The objects of a kind, by name."""
    return {found["metadata"]["name"]: found for found in manifests() if found["kind"] == kind}


def pod(part: str) -> dict:
    """The pod template of a part."""
    return objects("Deployment")[f"causeway-{part}"]["spec"]["template"]


def container(part: str) -> dict:
    """The one container of a part."""
    (found,) = pod(part)["spec"]["containers"]
    return found


def port_of(part: str, name) -> int:
    """A port of a part, by its name or itself."""
    ports = {port["name"]: port["containerPort"] for port in container(part)["ports"]}
    return ports[name] if isinstance(name, str) else name


def selected(selector: dict, part: str) -> bool:
    """Whether a selector finds the pods of a part."""
    labels = pod(part)["metadata"]["labels"]
    return all(labels.get(name) == value for name, value in selector.items())


def kubernetes_takes_every_manifest() -> None:
    for version in VERSIONS:
        for manifest in manifests():
            kubernetes_validate.validate(manifest, version, strict=True)
    wrong = copy.deepcopy(objects("Deployment")["causeway-chat"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    try:
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)
    except kubernetes_validate.ValidationError:
        return
    raise AssertionError("what is wrong is not found")


def the_kustomization_names_every_file_and_can_be_built() -> None:
    named = set(kustomization()["resources"]) | set(kustomization()["configMapGenerator"][0]["files"])
    beside = {file.name for file in KUBERNETES.iterdir()} - {"kustomization.yaml", "prometheus-adapter.yaml"}
    assert named == beside, named ^ beside
    try:
        kubectl = program("kubectl")
    except (LeftOut, AssertionError):
        # Debian has none; what it does is checked piece by piece.
        return
    built = run(kubectl, "kustomize", KUBERNETES)
    assert built.returncode == 0, built.stderr
    documents = list(yaml.safe_load_all(built.stdout))
    assert len(documents) == len(manifests()) + 1
    for document in documents:
        kubernetes_validate.validate(document, VERSIONS[1], strict=True)


def every_part_has_a_deployment_a_service_and_a_disruption_budget() -> None:
    for part in PARTS:
        name = f"causeway-{part}"
        deployment = objects("Deployment")[name]["spec"]
        assert selected(deployment["selector"]["matchLabels"], part)
        service = objects("Service")[name]["spec"]
        budget = objects("PodDisruptionBudget")[name]["spec"]
        for other in PARTS:
            assert selected(service["selector"], other) == (part == other)
            assert selected(budget["selector"]["matchLabels"], other) == (part == other)
        assert budget["maxUnavailable"] == 1
        assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        if part != "bridge":
            assert deployment["replicas"] == 2 and service["clusterIP"] == "None"


def every_part_is_taken_by_the_program() -> None:
    made = {generated["name"] for generated in kustomization()["configMapGenerator"]}
    for part in PARTS:
        understood(container(part)["args"])
        sources = pod(part)["spec"]["volumes"][0]["projected"]["sources"]
        assert {source["configMap"]["name"] for source in sources} == made | {"causeway-keys"}
        environment = dict(image().envs)
        for variable in container(part)["env"]:
            secret = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key")
            environment[variable["name"]] = variable.get("value") or secrets()[secret]
        checked(SETTINGS, environment)
        knows = "CAUSEWAY_STORE__URL" in {variable["name"] for variable in container(part)["env"]}
        assert knows == (part != "bridge"), "only services know the database"


def secrets() -> dict[str, str]:
    """The secret that kustomization.yaml says to make."""
    text = (KUBERNETES / "kustomization.yaml").read_text()
    found = dict(re.findall(r"--from-literal=([\w-]+)=[\"']?([^\"'\s]+|\$\([^)]*\))", text))
    return {name: value.replace("…", "word") for name, value in found.items()}


def every_port_is_one_that_the_image_listens_on() -> None:
    listens = {value.partition(":")[2] for value in image().envs.values()}
    for part in PARTS:
        for port in container(part)["ports"]:
            assert str(port["containerPort"]) in listens, part
        for port in objects("Service")[f"causeway-{part}"]["spec"]["ports"]:
            port_of(part, port["targetPort"])
        annotations = pod(part)["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(port_of(part, "admin"))
    backend = objects("Ingress")["causeway"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    ports = objects("Service")[backend["name"]]["spec"]["ports"]
    assert backend["port"]["name"] in [port["name"] for port in ports]


def every_pod_has_longer_to_stop_than_it_takes() -> None:
    for part in PARTS:
        grace = pod(part)["spec"]["terminationGracePeriodSeconds"]
        assert grace >= seconds(setting(SETTINGS, "stop.timeout")) + 10, part
    # Without a preStop hook it is the lead that proxies notice in.
    readiness = container("bridge")["readinessProbe"]
    notice = readiness["periodSeconds"] * readiness["failureThreshold"]
    assert seconds(setting(SETTINGS, "stop.lead")) >= notice


def no_pod_may_do_more_than_it_must() -> None:
    for part in PARTS:
        spec = pod(part)["spec"]
        assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"], part
        allowed = container(part)["securityContext"]
        assert allowed["readOnlyRootFilesystem"] and allowed["capabilities"] == {"drop": ["ALL"]}, part
        assert not allowed["allowPrivilegeEscalation"], part
        # The cluster's own variables, as CAUSEWAY_CHAT_PORT, look like settings.
        assert spec["enableServiceLinks"] is False, part


def the_probes_and_the_autoscaler_ask_what_the_parts_answer() -> None:
    with Stage() as stage:
        bridge = container("bridge")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert port_of("bridge", bridge[probe]["httpGet"]["port"]) == 8000
            assert stage.bridges[0].get(bridge[probe]["httpGet"]["path"]) == 200, probe
        for part in PARTS[1:]:
            probes = container(part)
            for probe in ("startupProbe", "livenessProbe"):
                assert port_of(part, probes[probe]["httpGet"]["port"]) == port_of(part, "admin")
                assert stage.admin_of(part).get(probes[probe]["httpGet"]["path"]) == 200, probe
            asked = probes["readinessProbe"]["grpc"]
            assert asked["port"] == port_of(part, "grpc")
            assert serves(stage.ports[part], asked["service"]), part
        the_metric_of_the_autoscaler_is_exported(stage)
        stage.services["chat"].kill()
        # A bridge without chat lives, and is not ready: one probe would take it down and the other must not.
        ready, alive = (bridge[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe"))
        wait_for("the bridge is not ready", lambda: stage.bridges[0].get(ready) == 503)
        assert stage.bridges[0].get(alive) == 200


def serves(port: int, service: str) -> bool:
    """Asks gRPC health as the kubelet does: without TLS, without a credential."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=10)
        return answer.status == health_pb2.HealthCheckResponse.SERVING


def the_metric_of_the_autoscaler_is_exported(stage: Stage) -> None:
    """The series that the adapter's rule asks for is what a bridge with a socket exports."""
    autoscaler = objects("HorizontalPodAutoscaler")["causeway-bridge"]["spec"]
    wanted = autoscaler["metrics"][0]["pods"]["metric"]["name"]
    (rule,) = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    series = rule["seriesQuery"].partition("{")[0]
    assert rule["name"]["as"] == wanted and re.fullmatch(rule["name"]["matches"], series)
    assert is_exported(stage, series)
    assert autoscaler["scaleTargetRef"]["name"] in objects("Deployment")
    per_pod = int(autoscaler["metrics"][0]["pods"]["target"]["averageValue"])
    assert per_pod < setting(SETTINGS, "bridge.max_connections")
    assert "replicas" not in objects("Deployment")["causeway-bridge"]["spec"], "the autoscaler's business"


def is_exported(stage: Stage, series: str) -> bool:
    """Whether a bridge with a socket exports a series."""
    stage.group("1", "1")
    with connect(f"ws://{stage.bridges[0].address}/ws/group/1/", subprotocols=["bearer", stage.token("1")]):
        return f"# TYPE {series} gauge" in stage.bridges[0].metrics() and stage.bridges[0].sockets() == 1


CHECKS = [
    kubernetes_takes_every_manifest,
    the_kustomization_names_every_file_and_can_be_built,
    every_part_has_a_deployment_a_service_and_a_disruption_budget,
    every_part_is_taken_by_the_program,
    every_port_is_one_that_the_image_listens_on,
    every_pod_has_longer_to_stop_than_it_takes,
    no_pod_may_do_more_than_it_must,
    the_probes_and_the_autoscaler_ask_what_the_parts_answer,
]
