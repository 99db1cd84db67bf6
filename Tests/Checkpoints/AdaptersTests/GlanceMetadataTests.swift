import Adapters
import Checkpoints
import SystemPackage
import Tensors
import Testing

@Suite("glance.* metadata")
struct GlanceMetadataTests {
  @Test func everyKeyIsWrittenAsDocumentedAndReadsBack() throws {
    var metadata = GlanceMetadata()
    metadata.family = "flux1"
    metadata.phase = "slow"
    metadata.sigmas = "1.0,0.9869786|0.9266473,0.0605503"
    metadata.boundary = 0.9
    metadata.teacherSteps = 50
    metadata.indices = [[0, 2], [10, 49]]
    metadata.imageSize = .init(width: 1024, height: 768)
    metadata.imageTokens = 3072
    metadata.mu = 1.15
    metadata.shiftTerminal = 0.02
    metadata.cfg = 5
    metadata.guidance = 3.5
    metadata.alphaOriginal = 64
    metadata.objective = "flow-matching"
    metadata.compat = "none"
    metadata.preset = "glance-5+5"
    metadata.targets = "reference"
    metadata.steps = 60
    metadata.seed = UInt64.max
    metadata.settings = #"{"rank":16}"#
    metadata.baseSHA256 = String(repeating: "0a", count: 32)
    metadata.sampleSHA256 = String(repeating: "f", count: 64)
    metadata.toolkit = "glance 0.1.0"
    metadata.arithmetic = "OpenBLAS 0.3.21 Haswell, x86-64-v3"
    let expected = [
      "glance.family=flux1", "glance.phase=slow",
      "glance.sigmas=1.0,0.9869786|0.9266473,0.0605503", "glance.boundary=0.9",
      "glance.teacher_steps=50", "glance.indices=0,2|10,49", "glance.image_size=1024x768",
      "glance.image_seq_len=3072", "glance.mu=1.15", "glance.shift_terminal=0.02",
      "glance.cfg=5.0", "glance.guidance=3.5", "glance.alpha_original=64.0",
      "glance.objective=flow-matching", "glance.compat=none", "glance.preset=glance-5+5",
      "glance.targets=reference", "glance.steps=60", "glance.seed=18446744073709551615",
      #"glance.settings={"rank":16}"#,
      "glance.base_sha256=" + String(repeating: "0a", count: 32),
      "glance.sample_sha256=" + String(repeating: "f", count: 64),
      "glance.toolkit=glance 0.1.0",
      "glance.arithmetic=OpenBLAS 0.3.21 Haswell, x86-64-v3",
    ]
    #expect(metadata.pairs.map { "\($0.key)=\($0.value)" } == expected)
    #expect(try GlanceMetadata(metadata.pairs, file: "a") == metadata)
    #expect(try GlanceMetadata([("other", "1")], file: "a") == GlanceMetadata())
  }

  @Test(
    "other values are refused, naming file and key",
    arguments: [
      ("glance.mu", "nan"), ("glance.mu", "0x1p3"), ("glance.mu", ""), ("glance.cfg", "1e999"),
      ("glance.teacher_steps", "0"), ("glance.teacher_steps", "5.0"),
      ("glance.indices", "1,,2"), ("glance.indices", "-1"), ("glance.image_size", "1024"),
      ("glance.image_size", "0x5"), ("glance.phase", "a b"), ("glance.phase", ""),
      ("glance.seed", "-1"), ("glance.base_sha256", "abc"),
    ])
  func refusals(key: String, value: String) {
    let error = #expect(throws: AdapterError.self) {
      _ = try GlanceMetadata([(key, value)], file: "a.safetensors")
    }
    #expect(
      error?.description.hasPrefix("a.safetensors: metadata '\(key)' is '\(value)', expected")
        == true)
  }

  @Test func theModelSpecificationNamesThePhase() throws {
    var specification = ModelSpecification(title: "cat slow", resolution: (1024, 768))
    specification.timestepRange = 900...1000
    let family = try #require(ModelFamily.named("flux1"))
    #expect(
      specification.pairs(family: family).map { "\($0.key)=\($0.value)" } == [
        "modelspec.sai_model_spec=1.0.1", "modelspec.architecture=flux-1-dev/lora",
        "modelspec.implementation=https://github.com/black-forest-labs/flux",
        "modelspec.title=cat slow", "modelspec.resolution=1024x768",
        "modelspec.timestep_range=900,1000",
      ])
  }
}
