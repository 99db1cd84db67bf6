import Checkpoints
import Conversion
import Elements
import Files
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Conversions of whole pipelines")
struct PipelineConversionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> FilePath { folder.path.pushing(FilePath(name)) }

  private func convert(
    _ input: FilePath, to output: String, _ target: PipelineConversion.Target,
    _ settings: (inout PipelineConversion.Request) -> Void = { _ in }
  ) throws {
    var request = PipelineConversion.Request(input: input, output: path(output), target: target)
    settings(&request)
    _ = try PipelineConversion(request).write { _ in }
  }

  private static let places = [
    (
      "tiny-flux",
      [
        "diffusion_models/flux1-dev.safetensors", "text_encoders/clip_l.safetensors",
        "text_encoders/t5xxl.safetensors", "vae/ae.safetensors",
      ]
    ),
    (
      "tiny-qwen-image",
      [
        "diffusion_models/qwen_image.safetensors", "text_encoders/qwen_2.5_vl_7b.safetensors",
        "vae/qwen_image_vae.safetensors",
      ]
    ),
  ]

  /// Says where two pipelines differ: in an entry, in what is no weight, or in a tensor.
  private func expectSame(_ found: FilePath, _ model: String) throws {
    let expected = Fixtures.model(model)
    #expect(TemporaryFolder.names(in: found) == TemporaryFolder.names(in: expected))
    for component in try PipelineFolder(opening: expected).components {
      let (ours, theirs) = (found.appending(component.name), expected.appending(component.name))
      #expect(TemporaryFolder.names(in: ours) == TemporaryFolder.names(in: theirs))
      for name in TemporaryFolder.names(in: theirs) where name.hasSuffix(".json") {
        #expect(
          try JSONValue(parsing: Fixtures.text(ours.appending(name)))
            == JSONValue(parsing: Fixtures.text(theirs.appending(name))),
          "\(component.name)/\(name)")
      }
      guard let source = try? TensorSource(openingAny: theirs) else { continue }
      expectSameTensors(try TensorSource(openingAny: ours), source)
    }
  }

  @Test("are added to folders that hold other models, which stay")
  func otherModels() throws {
    let model = Fixtures.model("tiny-flux")
    let vae = model.appending("vae").appending("diffusion_pytorch_model.safetensors")
    for name in ["models", "models/vae", "models/loras", "models/vae/sd"] {
      try folder.makeFolder(name)
    }
    let others = [
      "models/vae/mine.safetensors", "models/vae/sd/x.pt", "models/loras/cat.safetensors",
    ]
    for name in others { try folder.write(contents(of: vae), to: name) }
    try convert(model, to: "models", .comfyui)
    let ours = path("models/vae/ae.safetensors")
    let first = try contents(of: ours)
    for name in others { #expect(try contents(of: path(name)) == contents(of: vae)) }
    #expect(
      TemporaryFolder.names(in: path("models/vae")) == ["ae.safetensors", "mine.safetensors", "sd"])
    expectRefusal(FileError.self, saying: "flux1-dev.safetensors: exists already") {
      try convert(model, to: "models", .comfyui)
    }
    try folder.write([1, 2, 3], to: "models/vae/ae.safetensors")
    try convert(model, to: "models", .comfyui) { $0.form.overwrite = true }
    #expect(try contents(of: ours) == first)
    for name in others { #expect(try contents(of: path(name)) == contents(of: vae)) }
    // A run that is stopped leaves what was there before.
    var request = PipelineConversion.Request(
      input: model, output: path("models"), target: .comfyui)
    request.form.overwrite = true
    try folder.write([1, 2, 3], to: "models/vae/ae.safetensors")
    struct Stopped: Error {}
    #expect(throws: Stopped.self) {
      try PipelineConversion(request).write { _ in throw Stopped() }
    }
    #expect(try contents(of: ours) == [1, 2, 3])
    #expect(
      TemporaryFolder.names(in: path("models"))
        == ["diffusion_models", "loras", "text_encoders", "vae"])
  }

  @Test("are refused inside what is read, and in the place of a pipeline with other folders")
  func refusedPlaces() throws {
    try convert(Fixtures.model("tiny-flux"), to: "models", .comfyui)
    try convert(path("models"), to: "own", .diffusers) {
      $0.configurations = Fixtures.model("tiny-flux")
    }
    expectRefusal(RewritingError.self, saying: "lies inside \(path("own")), which is read") {
      try convert(path("own"), to: "own/models", .comfyui)
    }
    try folder.makeFolder("own/loras")
    expectRefusal(
      FileError.self, saying: "it holds other folders than the pipeline's components (loras)"
    ) {
      try convert(path("models"), to: "own", .diffusers) {
        $0.configurations = Fixtures.model("tiny-flux")
        $0.form.overwrite = true
      }
    }
  }

  @Test("take rules and a limit of the error for an encoding")
  func rules() throws {
    try convert(Fixtures.model("tiny-flux"), to: "models", .comfyui) {
      $0.form.encoding = "int8,img_mod=bf16,error=0.5%"
    }
    let opened = try OpenedCheckpoint(
      opening: path("models/diffusion_models/flux1-dev.safetensors"))
    let dtypes = Dictionary(
      opened.source.tensors.map { ($0.name, $0.dtype) }, uniquingKeysWith: { first, _ in first })
    #expect(dtypes["double_blocks.0.img_mod.lin.weight"] == .bf16)
    #expect(dtypes.values.contains(.i8))
  }

  @Test("go into ComfyUI's folders and back, bit for bit", arguments: places)
  func folders(model: String, files: [String]) throws {
    try convert(Fixtures.model(model), to: "models", .comfyui)
    let found = TemporaryFolder.names(in: path("models")).flatMap { name in
      TemporaryFolder.names(in: path("models/\(name)")).map { "\(name)/\($0)" }
    }
    #expect(found == files)
    for file in files {
      #expect(try OpenedCheckpoint(opening: path("models/\(file)")).description.problems == [])
    }
    try convert(path("models"), to: "back", .diffusers) {
      $0.configurations = Fixtures.model(model)
    }
    try expectSame(path("back"), model)
  }

  @Test("go into one file and back, bit for bit", arguments: places.map(\.0))
  func oneFile(model: String) throws {
    try convert(Fixtures.model(model), to: "all.safetensors", .allInOne)
    let whole = try OpenedCheckpoint(opening: path("all.safetensors"))
    let names = try PipelineFolder(opening: Fixtures.model(model)).components.map(\.name)
    #expect(Set(whole.components).isSubset(of: names))
    #expect(whole.description.prefix == "model.diffusion_model.")
    #expect(whole.description.problems == [])
    for name in whole.components {
      #expect(try whole.component(name)?.description.problems == [])
    }
    try convert(path("all.safetensors"), to: "back", .diffusers) {
      $0.configurations = Fixtures.model(model)
    }
    try expectSame(path("back"), model)
    // The parts of one file as ComfyUI's folders are those that a folder gives.
    try convert(path("all.safetensors"), to: "a", .comfyui)
    try convert(Fixtures.model(model), to: "b", .comfyui)
    expectSameTensors(
      try TensorSource(openingAny: path("a/vae")), try TensorSource(openingAny: path("b/vae")))
  }

  @Test("give codes to what programs read codes of, and name what keeps its numbers")
  func codes() throws {
    var request = PipelineConversion.Request(
      input: Fixtures.model("tiny-flux"), output: path("all.safetensors"), target: .allInOne)
    request.form.scaled = .generation2
    let conversion = try PipelineConversion(request)
    #expect(
      conversion.notes == [
        "'text_encoder' gets no codes: programs read none of it",
        "'vae' gets no codes: programs read none of it",
      ])
    _ = try conversion.write { _ in }
    let source = try TensorSource(opening: path("all.safetensors"))
    let coded = source.tensors.filter { $0.dtype == .f8E4M3 }.map(\.name)
    #expect(coded.contains { $0.hasPrefix("model.diffusion_model.") })
    #expect(coded.contains { $0.hasPrefix("text_encoders.t5xxl.transformer.") })
    #expect(!coded.contains { $0.hasPrefix("vae.") || $0.hasPrefix("text_encoders.clip_l.") })
    // Every code has the scale that belongs to it, wherever the file puts that.
    let whole = try OpenedCheckpoint(opening: path("all.safetensors"))
    let encoder = try #require(try whole.component("text_encoder_2"))
    let own = try OpenedCheckpoint(
      opening: Fixtures.model("tiny-flux"), component: "text_encoder_2")
    let (left, right) = (try encoder.parameters(), try own.parameters())
    for name in right.names {
      let (a, b) = (try left[name]?.floats() ?? [], try right[name]?.floats() ?? [])
      let largest = b.map(abs).max() ?? 0
      // Half a step of three bits of mantissa at the largest number.
      #expect(
        zip(a, b).allSatisfy { abs($0 - $1) <= largest / 16 } && a.count == b.count, "\(name)")
    }
  }

  @Test("are refused where a part is missing, comes twice or has no configurations")
  func refusals() throws {
    let model = Fixtures.model("tiny-flux")
    try convert(model, to: "models", .comfyui)
    expectRefusal(
      RewritingError.self, saying: "--configs FOLDER takes them from a diffusers folder"
    ) {
      try convert(path("models"), to: "back", .diffusers)
    }
    expectRefusal(
      RewritingError.self, saying: "a 'QwenImagePipeline', expected a pipeline of the family of"
    ) {
      try convert(path("models"), to: "back", .diffusers) {
        $0.configurations = Fixtures.model("tiny-qwen-image")
      }
    }
    let vae = path("models/vae/ae.safetensors")
    try writeSafetensors(
      TensorSource(opening: vae).tensors, to: path("models/vae/other.safetensors"), overwrite: false
    )
    expectRefusal(
      RewritingError.self, saying: "2 files could be 'vae' (ae.safetensors, other.safetensors)"
    ) {
      try convert(path("models"), to: "back", .diffusers) { $0.configurations = model }
    }
    try FileDescriptor.open(vae, .writeOnly, options: .truncate).close()
    expectRefusal(SafetensorsError.self, saying: "ae.safetensors") {
      try convert(path("models"), to: "back", .diffusers) { $0.configurations = model }
    }
    expectRefusal(
      RewritingError.self,
      saying: "no component 'text_encoder', found FLUX.1 transformer, dev class"
    ) {
      try convert(
        model.appending("transformer").appending("diffusion_pytorch_model.safetensors"), to: "b",
        .comfyui)
    }
    #expect(folder.entries == ["models"])
  }
}
