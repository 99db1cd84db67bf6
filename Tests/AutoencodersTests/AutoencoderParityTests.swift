import Autoencoders
import Compute
import JSON
import ModelLoading
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Recorded in float32 by diffusers; float64 is 5 to 50 times closer to the recording.
private let bound = 1e-5

enum Family: String, CaseIterable, Sendable {
  case flux
  case qwen

  func autoencoder() throws -> any Autoencoder {
    let folder = Fixtures.model(self == .flux ? "tiny-flux" : "tiny-qwen-image").appending("vae")
    let file = folder.appending("config.json")
    let configuration = try ModelConfiguration(
      JSONValue(parsing: try Fixtures.text(file)), file: file)
    let source = try SafetensorsFile(
      opening: folder.appending("diffusion_pytorch_model.safetensors"))
    let weights = WeightLoader(file: source.path, tensors: source.tensors)
    switch self {
    case .flux: return try FluxAutoencoder(configuration: configuration, weights: weights)
    case .qwen: return try QwenImageAutoencoder(configuration: configuration, weights: weights)
    }
  }

  /// A recorded tensor of one item, without the axis of items.
  func tensor(_ name: String) throws -> Tensor {
    let view = try Goldens.open(rawValue, "vae.safetensors").tensor(named: name)
    return Tensor(shape: Array(view.shape.dropFirst()), view.floats())
  }
}

@Suite("An autoencoder agrees with the recording")
struct AutoencoderParityTests {
  @Test(arguments: Family.allCases)
  func encoding(family: Family) throws {
    let latent = try family.autoencoder().encode(family.tensor("pixels"))
    for (name, found) in [
      ("mean", latent.rawMean), ("logvar", latent.rawLogVariance), ("normalized", latent.mean),
    ] {
      #expect(relativeError(found.elements, try family.tensor(name).elements) <= bound, "\(name)")
    }
  }

  @Test(arguments: Family.allCases)
  func decoding(family: Family) throws {
    let pixels = try family.autoencoder().decode(family.tensor("latent_in"))
    #expect(pixels.shape == [3, 64, 112])
    #expect(relativeError(pixels.elements, try family.tensor("decoded").elements) <= bound)
  }

  @Test(arguments: Family.allCases)
  func roundTrip(family: Family) throws {
    let pixels = try family.autoencoder().decode(family.tensor("normalized"))
    let clamped = pixels.elements.map { min(max($0, -1), 1) }
    #expect(relativeError(clamped, try family.tensor("roundtrip").elements) <= bound)
  }

  @Test("has the same bits for any number of threads", arguments: Family.allCases)
  func threads(family: Family) throws {
    let autoencoder = try family.autoencoder()
    let pixels = try family.tensor("pixels")
    func run(_ threads: Int) -> Tensor {
      Parallel.threadCount = threads
      defer { Parallel.threadCount = 0 }
      return autoencoder.decode(autoencoder.encode(pixels).mean)
    }
    #expect(run(1) == run(2))
  }

  @Test func anotherNumberOfStagesIsRefused() throws {
    let json: JSONValue = ["block_out_channels": [16, 24], "norm_num_groups": 4]
    #expect(throws: ModelError.self) {
      try FluxAutoencoder(
        configuration: ModelConfiguration(json, file: "config.json"),
        weights: WeightLoader(file: "w", tensors: []))
    }
  }
}
