import Adapters
import Compute
import Drawing
import Elements
import Merging
import Rewriting
import SystemPackage
import Tensors
import TestSupport

/// The recorded experts of a shipped model, and what merging them for both phases makes.
struct BakedModel {
  let folder: TemporaryFolder
  /// `flux` or `qwen`.
  let recording: String
  /// The experts' files, slow then fast.
  let experts: [FilePath]

  static let schedule = "1.0,0.9,0.8|0.6,0.3"

  /// The same experts baked in float32 and attached give the same weights but for two roundings to
  /// float32 (of the sum W + s B A, and of the products' partial sums, whose order differs), 2^-24 each.
  /// Over five steps that grows to 4e-7 to 8e-7 of the latent on FLUX.1, and to 2e-6 on Qwen-Image, whose
  /// guidance multiplies it; another expert changes more than 5e-3.
  static let rounding = 5e-6

  init(_ recording: String, schedules: [String] = [schedule, schedule]) throws {
    folder = try TemporaryFolder()
    self.recording = recording
    let folder = folder
    experts = try zip(BakedFolder.phases, schedules).map { phase, schedule in
      var adapter = try Adapter(
        opening: Goldens.folder(recording).appending("\(phase).safetensors"))
      adapter.metadata = [
        ("glance.phase", phase), ("glance.sigmas", schedule), ("glance.cfg", "2.5"),
        ("glance.guidance", "3.0"),
      ]
      let file = folder.path.appending("\(phase)-expert.safetensors")
      try adapter.write(to: file)
      return file
    }
  }

  var model: FilePath {
    Fixtures.model(recording == "flux" ? "tiny-flux" : "tiny-qwen-image")
  }

  var transformer: FilePath { model.appending("transformer") }

  var transformerFile: FilePath {
    transformer.appending("diffusion_pytorch_model.safetensors")
  }

  func path(_ name: String) -> FilePath { folder.path.appending(name) }

  /// Writes the experts' files again with more metadata.
  func declare(_ pairs: Metadata) throws {
    for file in experts {
      var adapter = try Adapter(opening: file)
      adapter.metadata += pairs
      var options = AdapterWritingOptions()
      options.overwrite = true
      try adapter.write(to: file, options)
    }
  }

  /// Merges both experts into a base, in float32.
  func bake(
    into base: FilePath, to name: String, isWhole: Bool = false,
    _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> FilePath {
    var request = BakeRequest(base: base, output: path(name), adapters: [])
    request.form.dtype = .f32
    change(&request)
    let phases = try zip(BakedFolder.phases, experts).map { phase, file in
      (
        name: phase,
        adapters: try MergedAdapter.adapters(
          in: file, phase: nil, strength: 1, isPartial: false
        ).adapters
      )
    }
    _ = try BothPhases(request, phases: phases, isWhole: isWhole).write { _ in { _ in } }
    return request.output
  }

  /// A request of one small picture.
  func request(
    _ model: FilePath? = nil, transformers: [DrawingRequest.TransformerRequest] = [],
    adapters: [FilePath] = []
  ) -> DrawingRequest {
    var request = DrawingRequest(
      model: model ?? self.model, prompts: ["a red star"], width: 32, height: 32)
    // With the noise of 0 the small FLUX model multiplies roundings: 2.7e-6 by OpenBLAS's kernels, 8.6e-6 by
    // ours, against 7e-7 and 8e-7 with this one.
    request.seed = 1
    request.transformers = transformers
    request.adapters = adapters.map { .init(file: $0) }
    return request
  }

  /// The only picture's latent.
  func latent(_ request: DrawingRequest) throws -> [Float] {
    try DrawingTests.latent(DrawingPlan(request))
  }
}
