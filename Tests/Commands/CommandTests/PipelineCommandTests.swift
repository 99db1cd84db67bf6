import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("glance-convert and whole pipelines", .serialized)
struct PipelineCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-convert")
  private let sample = BuiltCommand("glance-sample")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.pushing(FilePath(name)).string }

  private func convert(_ arguments: String...) throws -> BuiltCommand.Outcome {
    try command.run(arguments)
  }

  private func draw(_ model: String, _ name: String) throws {
    let outcome = try sample.run([
      "--model", model, "--size", "64x64", "--prompt", "a red star", "--seed", "1", "--schedule",
      "teacher:2", "--no-cache", "--output", path(name),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test("draws the same picture before and after", arguments: ["tiny-flux", "tiny-qwen-image"])
  func pictures(name: String) throws {
    // A picture's texts name the model's folder, so that all are drawn from one of the same name.
    let model = path("model")
    #expect(
      try command.shell("cp -r '\(Fixtures.model(name))' '\(model)'").status == 0)
    try draw(model, "before.png")
    let there = try convert(model, "--layout", "comfyui", "--output", path("models"))
    #expect(there.status == 0, "\(there.errors)")
    #expect(there.output.contains("wrote \(path("models/diffusion_models"))/"))
    let back = try convert(
      path("models"), "--layout", "diffusers", "--configs", model, "--output", path("back"))
    #expect(back.status == 0, "\(back.errors)")
    #expect(try command.shell("rm -r '\(model)' && mv '\(path("back"))' '\(model)'").status == 0)
    try draw(model, "after.png")
    #expect(
      try contents(of: folder.path.appending("before.png"))
        == contents(of: folder.path.appending("after.png")))
  }

  @Test("says what stays behind where the transformer alone is written")
  func transformerAlone() throws {
    let model = Fixtures.model("tiny-flux").string
    let run = try convert(model, "--dtype", "f16", "--output", path("alone"), "--json")
    #expect(run.status == 0)
    #expect(
      run.errors.contains(
        "\(model): the transformer alone is written, without scheduler, text_encoder, text_encoder_2, "
          + "tokenizer, tokenizer_2, vae: --layout comfyui with a folder as output, or --all-in-one, "
          + "takes every component"), "\(run.errors)")
    let json = try JSONValue(parsing: run.output)
    #expect(
      json["components_left_out"]?.array?.map(\.string) == [
        "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae",
      ])
    let named = try convert(
      model, "--component", "transformer", "--dtype", "f32", "--output", path("named"))
    #expect(named.status == 0 && named.errors == "", "\(named.errors)")
  }

  @Test("draws with components under the names of other programs")
  func otherNames() throws {
    let model = Fixtures.model("tiny-flux").string
    let pipeline = path("model")
    #expect(try command.shell("cp -r '\(model)' '\(pipeline)'").status == 0)
    try draw(pipeline, "before.png")
    #expect(
      try convert(model, "--layout", "comfyui", "--output", path("models")).status == 0)
    let copied = try command.shell(
      """
      cd '\(pipeline)' \
      && cp '\(path("models"))'/vae/ae.safetensors vae/diffusion_pytorch_model.safetensors \
      && "$COMMAND" '\(model)/text_encoder' --layout transformers --output new.safetensors \
      && mv new.safetensors text_encoder/model.safetensors
      """)
    #expect(copied.status == 0, "\(copied.errors)")
    try draw(pipeline, "after.png")
    #expect(
      try contents(of: folder.path.appending("before.png"))
        == contents(of: folder.path.appending("after.png")))
  }

  @Test("tells every part, planned and done, and refuses what makes no sense")
  func reports() throws {
    let model = Fixtures.model("tiny-flux").string
    let planned = try convert(
      model, "--layout", "comfyui", "--output", path("models"), "--dry-run", "--json")
    let plan = try JSONValue(parsing: planned.output)
    #expect(
      plan["parts"]?.array?.map { $0["component"]?.string }
        == ["transformer", "text_encoder", "text_encoder_2", "vae"])
    #expect(plan["dry_run"] == true)
    #expect(folder.entries == [])
    let whole = try convert(
      model, "--all-in-one", "--output", path("all.safetensors"), "--json")
    let result = try JSONValue(parsing: whole.output)
    #expect(result["all_in_one"] == true)
    #expect(result["dry_run"] == false)
    #expect(result["parts"]?.array?.allSatisfy { $0["dry_run"] == false } == true)
    #expect(result["tensors"]?.integer ?? 0 > 300)
    #expect(folder.entries == ["all.safetensors"])
    func refuse(_ text: String, _ arguments: [String]) throws {
      let outcome = try command.run(arguments)
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains(text), "\(outcome.errors)")
    }
    try refuse(
      "--all-in-one writes one file",
      [model, "--layout", "comfyui", "--all-in-one", "--output", path("x")])
    try refuse(
      "--prefix is for one part of a pipeline",
      [model, "--layout", "comfyui", "--prefix", "a.", "--output", path("x")])
    try refuse(
      "--configs goes with --layout diffusers",
      [model, "--layout", "comfyui", "--configs", model, "--output", path("x")])
    #expect(folder.entries == ["all.safetensors"])
  }
}
