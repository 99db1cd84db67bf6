import Compute
import DiffusionTransformers
import Drawing
import SystemPackage
import TestSupport
import Testing

@Suite("States of prompts from a file")
struct EmbeddingsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func request(
    _ model: String, _ file: FilePath, cfg: Double? = nil
  ) -> DrawingRequest {
    var request = smallRequest(model, prompts: [])
    request.embeddings = file
    request.cfg = cfg
    return request
  }

  private func latents(_ request: DrawingRequest) throws -> [Tensor] {
    var latents: [Tensor] = []
    try DrawingPlan(request).draw { event in
      if case .drawn(let drawn) = event { latents.append(drawn.latent) }
    }
    return latents
  }

  private static let states: KeyValuePairs<String, [Int]> = [
    "prompt_embeds": [2, 5, 64], "pooled_prompt_embeds": [2, 64],
    "negative_prompt_embeds": [5, 64], "negative_pooled_prompt_embeds": [64],
  ]

  @Test("draw FLUX.1's pictures, the negative pooled state included")
  func complete() throws {
    let file = try folder.tensors("a.safetensors", Self.states)
    let plan = try DrawingPlan(request("tiny-flux", file, cfg: 3))
    #expect(plan.pictureCount == 2)
    #expect(plan.passesPerPicture == 4)
    #expect(plan.notes == [])
    let plain = try latents(request("tiny-flux", file))
    let guided = try latents(request("tiny-flux", file, cfg: 3))
    #expect(plain.count == 2 && guided.count == 2)
    #expect(plain[0] != plain[1] && plain[0] != guided[0])
    // The same states but for the negative pooled one, whose name is one letter longer.
    let other = try folder.tensors(
      "b.safetensors",
      [
        "prompt_embeds": [2, 5, 64], "pooled_prompt_embeds": [2, 64],
        "negative_prompt_embeds": [5, 64], "unused": [1], "negative_pooled_prompt_embeds": [64],
      ])
    #expect(try latents(request("tiny-flux", other)) == plain)
    #expect(try latents(request("tiny-flux", other, cfg: 3)) != guided)
  }

  @Test("need no pooled state where the model takes none")
  func qwen() throws {
    let file = try folder.tensors(
      "a.safetensors", ["prompt_embeds": [5, 64], "negative_prompt_embeds": [1, 3, 64]])
    #expect(try latents(request("tiny-qwen-image", file)).count == 1)
  }

  @Test("are cut where their mask ends")
  func masked() throws {
    let long = try folder.tensors("long.safetensors", ["prompt_embeds": [5, 64]])
    let masked = try folder.tensors(
      "masked.safetensors", ["prompt_embeds": [5, 64], "prompt_embeds_mask": [1, 5]])
    let request = request("tiny-qwen-image", masked, cfg: 1)
    // Random numbers are no zeros: all tokens pass.
    #expect(try latents(request) == latents(self.request("tiny-qwen-image", long, cfg: 1)))
    // The mask's numbers stand last: two for tokens that pass, three zeros.
    var bytes = try contents(of: masked)
    bytes.replaceSubrange((bytes.count - 12)..., with: Array(repeating: 0, count: 12))
    try folder.write(bytes, to: "masked.safetensors")
    #expect(try latents(request) != latents(self.request("tiny-qwen-image", long, cfg: 1)))
    bytes.replaceSubrange((bytes.count - 20)..<(bytes.count - 16), with: [0, 0, 0, 0])
    try folder.write(bytes, to: "masked.safetensors")
    #expect(
      throws: DrawingError.invalid(
        source: "\(masked): tensor 'prompt_embeds_mask'",
        expected: "ones, then zeros, in every row", found: "others in row 0")
    ) { try DrawingPlan(request) }
  }

  @Test(
    "that are not what FLUX.1 takes are refused, naming the tensor",
    arguments: [
      (
        ["prompt_embeds": [2, 5, 64]], 1,
        ": tensor 'pooled_prompt_embeds': the transformer takes a pooled vector of 64 channels, "
          + "found none"
      ),
      (
        ["prompt_embeds": [2, 5, 64], "pooled_prompt_embeds": [2, 32]], 1,
        ": tensor 'pooled_prompt_embeds': the transformer takes [1, 64], found [1, 32]"
      ),
      (
        ["prompt_embeds": [2, 5, 32], "pooled_prompt_embeds": [2, 64]], 1,
        ": tensor 'prompt_embeds': the transformer takes [tokens, 64], at least one token; found "
          + "[5, 32]"
      ),
      (
        ["prompt_embeds": [3, 5, 64], "pooled_prompt_embeds": [2, 64]], 1,
        ": tensor 'pooled_prompt_embeds': expected one row for all, or 3, as 'prompt_embeds' has, "
          + "found 2"
      ),
      (
        ["prompt_embeds": [2, 5, 64], "pooled_prompt_embeds": [2, 64]], 3,
        ": expected 'negative_prompt_embeds' for --cfg 3.0, found none; give it, or --cfg 1"
      ),
      (
        [
          "prompt_embeds": [2, 5, 64], "pooled_prompt_embeds": [2, 64],
          "negative_prompt_embeds": [1, 5, 64],
        ], 3,
        ": tensor 'negative_pooled_prompt_embeds': the transformer takes a pooled vector of 64 "
          + "channels, found none"
      ),
      (
        [
          "prompt_embeds": [3, 5, 64], "pooled_prompt_embeds": [1, 64],
          "negative_prompt_embeds": [2, 5, 64], "negative_pooled_prompt_embeds": [1, 64],
        ], 3,
        ": tensor 'negative_prompt_embeds': expected one row for all, or 3, as 'prompt_embeds' "
          + "has, found 2"
      ),
      (["latents": [2, 5, 64]], 1, ": expected a tensor 'prompt_embeds', found latents"),
      (
        ["prompt_embeds": [2, 0, 64]], 1,
        ": tensor 'prompt_embeds': expected floats with 3 axes, found F32 [2, 0, 64]"
      ),
      (
        ["prompt_embeds": [64]], 1,
        ": tensor 'prompt_embeds': expected floats with 3 axes, found F32 [64]"
      ),
    ] as [(KeyValuePairs<String, [Int]>, Double, String)])
  func refused(shapes: KeyValuePairs<String, [Int]>, cfg: Double, message: String) throws {
    let file = try folder.tensors("a.safetensors", shapes)
    let error = #expect(throws: (any Error).self) {
      try DrawingPlan(request("tiny-flux", file, cfg: cfg))
    }
    #expect(error.map { "\($0)" } == file.string + message)
  }

  @Test("and noise that hold NaN are named", arguments: ["prompt_embeds", "pooled_prompt_embeds"])
  func notFinite(name: String) throws {
    // The last number of the file is that of the tensor that stands last.
    let other = name == "prompt_embeds" ? "pooled_prompt_embeds" : "prompt_embeds"
    func shape(_ name: String) -> [Int] { name == "prompt_embeds" ? [5, 64] : [64] }
    let file = try folder.tensors("a.safetensors", [other: shape(other), name: shape(name)])
    try spoilLastNumber(of: file)
    let error = #expect(throws: DrawingError.self) {
      try DrawingPlan(request("tiny-flux", file))
    }
    #expect(
      error?.description
        == "\(file): tensor '\(name)': expected finite numbers, found NaN or infinity")

    let noise = try folder.tensors("n.safetensors", ["latents": [2, 16, 4, 4]])
    try spoilLastNumber(of: noise)
    var drawing = smallRequest()
    drawing.latents = noise
    var drawn = 0
    let plan = try DrawingPlan(drawing)
    let found = #expect(throws: DrawingError.self) {
      try plan.draw { event in if case .drawn = event { drawn += 1 } }
    }
    #expect(drawn == 1)
    #expect(
      found?.description
        == "\(noise): tensor 'latents': expected finite numbers, found NaN or infinity for picture 2"
    )
  }

  private func spoilLastNumber(of file: FilePath) throws {
    var bytes = try contents(of: file)
    bytes.replaceSubrange((bytes.count - 4)..., with: [0, 0, 0xc0, 0x7f])
    try folder.write(bytes, to: file.lastComponent?.string ?? "")
  }
}
