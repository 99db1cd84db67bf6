import Compute
import DiffusionTransformers
import ModelTestSupport
import Safetensors
import Synchronization
import Tensors
import TestSupport
import Testing

/// Recorded in float32 by diffusers; float64 is 5 to 50 times closer to the recording than 1e-5.
private let bound = 1e-5

@Suite("A transformer's forward pass agrees with the recording")
struct ForwardParityTests {
  @Test(arguments: Recording.allCases, RecordedSize.allCases)
  func velocity(recording: Recording, size: RecordedSize) throws {
    let transformer = try recording.transformer()
    let sigmas = try recording.tensor("forward.safetensors", "\(size).timestep").floats
    for row in try recording.rows() {
      let output = try transformer.velocity(
        Tape(mode: .inference),
        latent: recording.tensor("forward.safetensors", "\(size).hidden_states", row: row),
        grid: recording.grid(size), conditioning: recording.conditioning(row: row),
        sigma: sigmas[row],
        guidance: recording.guidance(row: row), options: ForwardOptions())
      let expected = try recording.tensor("forward.safetensors", "\(size).output", row: row)
      #expect(relativeError(output.tensor.floats, expected.floats) <= bound, "row \(row)")
    }
  }

  @Test("on all kernels", arguments: Recording.allCases, ProductSettings.all(.float32))
  func kernels(recording: Recording, products: ProductSettings) throws {
    try ProductSettings.with(products) { try velocity(recording: recording, size: .nonsquare) }
  }

  @Test("in every block", arguments: Recording.allCases)
  func hiddenStates(recording: Recording) throws {
    let transformer = try recording.transformer()
    let states = Mutex<[HiddenState]>([])
    let options = ForwardOptions { state in states.withLock { $0.append(state) } }
    _ = try transformer.velocity(
      Tape(mode: .inference),
      latent: recording.tensor("forward.safetensors", "nonsquare.hidden_states", row: 0),
      grid: recording.grid(.nonsquare), conditioning: recording.conditioning(row: 0),
      sigma: recording.tensor("forward.safetensors", "nonsquare.timestep").floats[0],
      guidance: recording.guidance(row: 0), options: options)
    let textCount = try recording.textCount(row: 0)
    var compared = 0
    for state in states.withLock({ $0 }) {
      if let text = state.text {
        let expected = try recording.tensor("blocks.safetensors", state.name + ".text", row: 0)
        #expect(
          relativeError(text.floats, expected.rows(0..<textCount).floats) <= bound,
          "\(state.name) text")
        let image = try recording.tensor("blocks.safetensors", state.name + ".image", row: 0)
        #expect(
          relativeError(state.image.floats, image.floats) <= bound, "\(state.name) image")
        compared += 2
      } else {
        let expected = try recording.tensor("blocks.safetensors", state.name)
        let real =
          ["context_embedder", "txt_in"].contains(state.name)
          ? Array(expected.floats.prefix(textCount * expected.columns)) : expected.floats
        #expect(relativeError(state.image.floats, real) <= bound, "\(state.name)")
        compared += 1
      }
    }
    // Every recorded value but the rotary tables and the normed text, which blocks see only inside.
    let names = try Goldens.open(recording.rawValue, "blocks.safetensors").tensors.map(\.name)
    #expect(compared == names.count { !$0.hasPrefix("rope.") && $0 != "txt_norm" })
  }

  @Test(arguments: Recording.allCases, [("plain", Float(1)), ("alpha", Float(4))])
  func withAnAdapter(recording: Recording, form: (name: String, scale: Float)) throws {
    let transformer = try recording.transformer()
    let sigmas = try recording.tensor("forward.safetensors", "square.timestep").floats
    for (strength, suffix) in [(Float(1), "1"), (0.7, "0.7")] {
      let adapters = try recording.adapter(scale: form.scale * strength)
      for row in try recording.rows() {
        let output = try transformer.velocity(
          Tape(mode: .inference, adapters: adapters),
          latent: recording.tensor("forward.safetensors", "square.hidden_states", row: row),
          grid: recording.grid(.square), conditioning: recording.conditioning(row: row),
          sigma: sigmas[row], guidance: recording.guidance(row: row),
          options: ForwardOptions())
        let expected = try recording.tensor(
          "lora.safetensors", "\(form.name).scale_\(suffix)", row: row)
        #expect(
          relativeError(output.tensor.floats, expected.floats) <= bound,
          "strength \(suffix), row \(row)")
      }
    }
  }

  @Test(arguments: Recording.allCases, RecordedSize.allCases)
  func packing(recording: Recording, size: RecordedSize) throws {
    let latent = try recording.tensor("forward.safetensors", "\(size).latent", row: 1)
    let packed = try recording.tensor("forward.safetensors", "\(size).hidden_states", row: 1)
    #expect(packTokens(latent) == packed)
    #expect(try unpackTokens(packed, grid: recording.grid(size)) == latent)
  }

  @Test(
    "has the same bits for any number of threads, on all kernels", arguments: Recording.allCases,
    ProductPrecision.allCases)
  func threads(recording: Recording, precision: ProductPrecision) throws {
    let transformer = try recording.transformer()
    for products in ProductSettings.all(precision) {
      let outputs = try ProductSettings.with(products) {
        try atWidths([1, 2, 3]) {
          try transformer.velocity(
            Tape(mode: .inference),
            latent: recording.tensor("forward.safetensors", "square.hidden_states", row: 0),
            grid: recording.grid(.square), conditioning: recording.conditioning(row: 0),
            sigma: 0.7, guidance: 3.5, options: ForwardOptions()
          ).tensor
        }
      }
      #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2], "\(products.kernels)")
    }
  }
}
