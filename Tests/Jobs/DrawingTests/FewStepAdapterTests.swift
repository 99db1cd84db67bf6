import Drawing
import JSON
import Safetensors
import Schedules
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Made-up files in the names that few-step adapters are published with.
@Suite("An adapter of another method")
struct FewStepAdapterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func plan(
    _ file: FilePath, schedule: String? = nil, model: String = "tiny-qwen-image"
  ) throws -> DrawingPlan {
    var request = smallRequest(model)
    request.schedule = schedule
    request.adapters = [.init(file: file)]
    return try DrawingPlan(request)
  }

  /// Qwen-Image-Lightning: no prefix, kohya's factors with an alpha of 8 to a rank of 64.
  private func lightning(_ name: String) throws -> FilePath {
    let stem = "transformer_blocks.0.attn.to_q"
    let factor = [Float](repeating: 0.125, count: 64 * 96)
    let file = folder.path.appending(name)
    try writeSafetensors(
      [
        TensorView(name: stem + ".lora_down.weight", shape: [64, 96], factor),
        TensorView(name: stem + ".lora_up.weight", shape: [96, 64], factor),
        TensorView(name: stem + ".alpha", shape: [], [8]),
      ], to: file, overwrite: false)
    return file
  }

  /// PEFT's factors under a prefix.
  private func peft(
    _ name: String, prefix: String, adapter: String = ""
  ) throws -> FilePath {
    let stem = prefix + "transformer_blocks.0.attn.to_q"
    return try folder.tensors(
      name,
      [stem + ".lora_A\(adapter).weight": [4, 96], stem + ".lora_B\(adapter).weight": [96, 4]])
  }

  /// What is said of a file without a schedule, but for its scale.
  private func note(_ file: FilePath) throws -> [String] {
    let plan = try plan(file)
    #expect(plan.schedule.sigmas.count == 50 && plan.cfg == 4)
    return plan.notes
  }

  @Test(
    "of Qwen-Image-Lightning is told with its preset, which draws at a pass a step",
    arguments: [("4steps-V2.0-bf16", 4), ("8steps-V1.1", 8)])
  func lightning(version: String, steps: Int) throws {
    let file = try lightning("Qwen-Image-Lightning-\(version).safetensors")
    #expect(
      try note(file) == [
        "\(file): by its name it was made for --schedule lightning-\(steps) (Qwen-Image-Lightning, "
          + "\(steps) steps), and it declares no schedule; teacher:50 is taken"
      ])
    let plan = try plan(file, schedule: "lightning-\(steps)")
    #expect(plan.notes == [])
    #expect(plan.cfg == 1 && plan.passesPerPicture == steps)
  }

  @Test func ofDiffSynthIsToldByItsFolder() throws {
    _ = try folder.makeFolder("Qwen-Image-Distill-LoRA")
    let file = try peft(
      "Qwen-Image-Distill-LoRA/model.safetensors", prefix: "", adapter: ".default")
    #expect(
      try note(file) == [
        "\(file): by its name it was made for --schedule distill-15 (Qwen-Image-Distill-LoRA and "
          + "Distill-Full of DiffSynth, 15 steps), and it declares no schedule; teacher:50 is taken"
      ])
    let plan = try plan(file, schedule: "distill-15")
    #expect(plan.notes == [] && plan.passesPerPicture == 15)
  }

  @Test func ofMusePublicIsToldByItsFile() throws {
    let file = try peft("qwen_image_distill_3step.safetensors", prefix: "base_model.model.")
    #expect(
      try note(file) == [
        "\(file): by its name it was made for --schedule distill-3 (the three-step Qwen-Image "
          + "distillation of MusePublic, run by Euler steps), and it declares no schedule; "
          + "teacher:50 is taken"
      ])
    #expect(try plan(file, schedule: "distill-3").passesPerPicture == 3)
  }

  @Test(
    "that goes back under new noise is told with its preset",
    arguments: [
      ("dmd2_4step_lora.safetensors", "dmd2-4", "few-step students of DMD2, 4 steps, no shift"),
      (
        "lcm-lora-qwen.safetensors", "lcm-4",
        "latent consistency models and LCM-LoRA, 4 of the teacher's 50 steps"
      ),
    ])
  func renoising(name: String, preset: String, description: String) throws {
    let file = try peft(name, prefix: "transformer.")
    #expect(
      try note(file) == [
        "\(file): by its name it was made for --schedule \(preset) (\(description), new noise "
          + "after each), and it declares no schedule; teacher:50 is taken"
      ])
    let plan = try plan(file, schedule: preset)
    #expect(plan.notes == [] && plan.cfg == 1 && plan.passesPerPicture == 4)
    #expect(plan.schedule.rule == .renoise)
  }

  @Test("is told by the title in its header where its file has another name")
  func title() throws {
    let stem = "transformer.transformer_blocks.0.attn.to_q"
    let file = try folder.tensors(
      "x.safetensors", [stem + ".lora_A.weight": [4, 96], stem + ".lora_B.weight": [96, 4]],
      metadata: [("ss_output_name", "Qwen-Image Lightning, 8 steps")])
    #expect(try note(file).count == 1)
    #expect(try note(file).first?.contains("--schedule lightning-8 ") == true)
  }

  @Test("is one of several, each for a part, as Timestep Master has them")
  func parts() throws {
    var request = smallRequest("tiny-qwen-image")
    request.schedule = "timestep-master-4"
    request.adapters = try (1...4).map {
      .init(file: try peft("\($0).safetensors", prefix: "transformer."), phase: "part-\($0)")
    }
    let plan = try DrawingPlan(request)
    #expect(plan.notes == [])
    for (phase, number) in zip(plan.schedule.phases, 1...4) {
      #expect(
        plan.adapters.serving(phase).map(\.file.lastComponent?.string) == [
          "\(number).safetensors"
        ])
    }
  }
}

/// What a run says of seeds when its steps take noise.
@Suite("A run that goes back under new noise")
struct RenoisingRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("has a seed also where its first noise is given, another for every noise")
  func seeds() throws {
    var request = smallRequest()
    request.latents = try folder.tensors("n.safetensors", ["latents": [3, 16, 4, 4]])
    request.seed = 7
    let euler = try DrawingPlan(request)
    #expect(euler.notes == ["--seed does nothing: --latents brings the noise"])
    #expect((0..<3).map(euler.seed) == [nil, nil, nil])
    request.schedule = "renoise:1,0.5"
    let plan = try DrawingPlan(request)
    #expect(plan.notes == [])
    #expect((0..<3).map(plan.seed) == [7, 8, 9])
    #expect(plan.settings["schedule"] == "renoise:1.0,0.5")
  }
}
