import Compute
import Drawing
import Pipelines
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A plan for drawing")
struct DrawingPlanTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("warns of a preset for another family and takes the preset's guidance scale")
  func presetOfAnotherFamily() throws {
    var request = smallRequest("tiny-qwen-image")
    request.schedule = "schnell-4"
    let plan = try DrawingPlan(request)
    #expect(
      plan.notes == [
        "--schedule schnell-4: a preset for FLUX.1, and this model is Qwen-Image; its steps may "
          + "not suit it"
      ])
    #expect(plan.cfg == 1)
    #expect(plan.passesPerPicture == 4)
  }

  @Test("says which options do nothing")
  func idleOptions() throws {
    var request = smallRequest()
    request.negative = "green"
    #expect(
      try DrawingPlan(request).notes == [
        "--negative does nothing at a guidance scale of 1; give --cfg, such as 4"
      ])
    request.cfg = 2
    #expect(try DrawingPlan(request).notes == [])
    request = smallRequest("tiny-qwen-image")
    request.guidance = 3
    #expect(
      try DrawingPlan(request).notes == [
        "this model takes no guidance value: --guidance does nothing; see --cfg"
      ])
    request = smallRequest(prompts: [])
    request.embeddings = try folder.tensors(
      "e.safetensors", ["prompt_embeds": [5, 64], "pooled_prompt_embeds": [64]])
    request.latents = try folder.tensors("n.safetensors", ["latents": [16, 4, 4]])
    request.negative = "green"
    request.textTokens = 7
    request.seed = 7
    #expect(
      try DrawingPlan(request).notes == [
        "--negative does nothing: --embeddings brings the negative states",
        "--text-tokens does nothing: --embeddings brings the states",
        "--seed does nothing: --latents brings the noise",
      ])
  }

  @Test("takes no guidance value for a FLUX.1 that embeds none, as schnell")
  func withoutGuidance() throws {
    let model = try folder.changedTransformer(
      "schnell", of: "tiny-flux", ("\"guidance_embeds\": true", "\"guidance_embeds\": false")
    ) { tensors in tensors.filter { !$0.name.contains("guidance_embedder") } }
    var request = smallRequest()
    request.model = model
    request.guidance = 2
    let plan = try DrawingPlan(request)
    #expect(plan.guidance == nil)
    #expect(
      plan.notes == ["this model takes no guidance value: --guidance does nothing; see --cfg"])
  }

  @Test(
    "refuses numbers that make no sense",
    arguments: [
      (0.0, nil, "--cfg: expected a number above 0 and up to 1000, found 0.0"),
      (.nan, nil, "--cfg: expected a number above 0 and up to 1000, found nan"),
      (1e300, nil, "--cfg: expected a number above 0 and up to 1000, found 1e+300"),
      (nil, .nan, "--guidance: expected a number from 0 to 1000, found nan"),
      (nil, -1, "--guidance: expected a number from 0 to 1000, found -1.0"),
    ] as [(Double?, Double?, String)])
  func numbers(cfg: Double?, guidance: Double?, message: String) {
    var request = smallRequest()
    request.cfg = cfg
    request.guidance = guidance
    let error = #expect(throws: DrawingError.self) { try DrawingPlan(request) }
    #expect(error?.description == message)
  }
}

@Suite("A plan's pictures")
struct PictureCountTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func request(
    noises: Int, prompts: Int, each: Int
  ) throws -> DrawingRequest {
    var request = smallRequest(prompts: (0..<prompts).map { "p\($0)" })
    request.picturesPerPrompt = each
    request.latents = try folder.tensors("n.safetensors", ["latents": [noises, 16, 4, 4]])
    return request
  }

  @Test(
    "are as many as prompts and noises make, and every step is counted once",
    arguments: [
      (9, 1, 1, 9, ["p0", "p0", "p0", "p0", "p0", "p0", "p0", "p0", "p0"]),
      (1, 3, 1, 3, ["p0", "p1", "p2"]),
      (2, 2, 1, 2, ["p0", "p1"]),
      (2, 2, 2, 4, ["p0", "p0", "p1", "p1"]),
      (4, 2, 2, 4, ["p0", "p0", "p1", "p1"]),
    ])
  func counts(noises: Int, prompts: Int, each: Int, count: Int, texts: [String]) throws {
    let plan = try DrawingPlan(request(noises: noises, prompts: prompts, each: each))
    #expect(plan.pictureCount == count)
    #expect((0..<count).map(plan.prompt(ofPicture:)) == texts)
    #expect(plan.seed(ofPicture: 0) == nil)
    var steps: [Int] = []
    var indices: [Int] = []
    try plan.draw { event in
      switch event {
      case .steps(let done): steps.append(done)
      case .drawn(let drawn): indices.append(drawn.index)
      case .note, .encoded: break
      }
    }
    #expect(steps == Array(1...2 * count))
    #expect(indices == Array(0..<count))
  }

  @Test("are refused where noises can be shared in no one way")
  func unclear() throws {
    let request = try request(noises: 2, prompts: 3, each: 1)
    let error = #expect(throws: DrawingError.self) { try DrawingPlan(request) }
    #expect(
      error?.description
        == "\(folder.path)/n.safetensors: tensor 'latents': expected one for all, or one each of "
        + "the 3 pictures (3 prompts, 1 of each), found 2; --count 2 draws each prompt from all of "
        + "them")
    var many = smallRequest(prompts: Array(repeating: "a", count: 101))
    many.picturesPerPrompt = 10_000
    #expect(
      throws: DrawingError.invalid(
        source: "--count", expected: "at most 1000000 pictures in all",
        found: "101 prompts with 10000 each")
    ) { try DrawingPlan(many) }
  }

  @Test("that were finished once and are taken for noise are warned of")
  func finished() throws {
    var request = smallRequest()
    request.latents = try folder.tensors(
      "done.safetensors", ["latents": [16, 4, 4]], metadata: [("glance.latents", "finished")])
    #expect(
      try DrawingPlan(request).notes == [
        "\(folder.path)/done.safetensors: finished latents, as --save-latents writes them; "
          + "--latents takes noise to start from, so that other pictures come out"
      ])
  }

  @Test("start from packed noise as from the same noise unpacked")
  func packed() throws {
    func latent(_ shape: [Int]) throws -> [Float] {
      var request = smallRequest()
      request.latents = try folder.tensors("n.safetensors", ["latents": shape])
      var values: [Float] = []
      try DrawingPlan(request).draw { event in
        if case .drawn(let drawn) = event { values = drawn.latent.floats }
      }
      return values
    }
    #expect(try latent([1, 4, 64]).count == 16 * 4 * 4)
    #expect(try latent([4, 64]) == latent([1, 4, 64]))
    #expect(try latent([16, 4, 4]) == latent([1, 16, 4, 4]))
    #expect(try latent([16, 4, 4]) != latent([4, 64]))
  }
}
