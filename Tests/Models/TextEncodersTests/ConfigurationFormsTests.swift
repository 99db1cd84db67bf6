import Compute
import JSON
import ModelLoading
import Safetensors
import SystemPackage
import TestSupport
import Testing
import TextEncoders

/// Configurations as different versions of transformers save them: no key that decides what is
/// computed is guessed.
@Suite("Configurations of text encoders")
struct ConfigurationFormsTests {
  private let file = Fixtures.model("tiny-qwen-image").appending("text_encoder/config.json")

  /// The tiny Qwen2.5-VL with a changed configuration of its text model.
  private func qwen(_ change: (inout JSONObject) -> Void) throws -> [Float] {
    var document = try #require(JSONValue(parsing: Fixtures.text(file)).object)
    var text = try #require(document["text_config"]?.object)
    change(&text)
    document["text_config"] = .object(text)
    let weights = try SafetensorsFile(
      opening: file.removingLastComponent().appending("model.safetensors"))
    let encoder = try Qwen25TextEncoder(
      configuration: ModelConfiguration(.object(document), file: file),
      weights: WeightLoader(file: weights.path, tensors: weights.tensors))
    return try encoder([5, 9, 300, 17]).floats
  }

  @Test("transformers 4 and 5 mean the same")
  func forms() throws {
    let both = try qwen { _ in }
    let old = try qwen { $0["rope_parameters"] = nil }
    let new = try qwen {
      $0["rope_theta"] = nil
      $0["rope_scaling"] = nil
    }
    #expect(old == both && new == both)
    let other = try qwen {
      $0["rope_theta"] = nil
      $0["rope_scaling"] = nil
      $0["rope_parameters"] = ["rope_theta": 10000.0, "rope_type": "default"]
    }
    #expect(other != both)
  }

  @Test func whatIsMissingOrNotComputedIsNamed() throws {
    func message(_ change: (inout JSONObject) -> Void) -> String? {
      let error = #expect(throws: ModelError.self) { _ = try qwen(change) }
      return error?.description
    }
    #expect(
      message {
        for key in ["rope_theta", "rope_parameters", "rope_scaling"] { $0[key] = nil }
      } == "\(file): 'rope_theta': expected a number, here or in 'rope_parameters', found nothing")
    #expect(
      message { $0["rope_parameters"] = ["rope_theta": 1000000.0, "rope_type": "yarn"] }
        == "\(file): 'rope_parameters': expected plain rotary embedding (default, mrope), found "
        + "'yarn', which is not computed here")
    #expect(
      message { $0["rope_parameters"] = ["rope_theta": 10000.0] }
        == "\(file): 'rope_theta': expected one base of the rotary embedding, found 1000000.0 and "
        + "10000.0")
    #expect(
      message { $0["rms_norm_eps"] = nil }
        == "\(file): 'rms_norm_eps': expected a number, found nothing")
    #expect(
      message { $0["use_sliding_window"] = true }
        == "\(file): 'use_sliding_window': expected false, found true, which is not computed here")
  }

  @Test func aT5WithoutAGateIsRefusedHoweverItIsSaid() throws {
    let file = Fixtures.model("tiny-flux").appending("text_encoder_2/config.json")
    let weights = try SafetensorsFile(
      opening: file.removingLastComponent().appending("model.safetensors"))
    func encoder(_ change: (inout JSONObject) -> Void) throws -> T5Encoder {
      var document = try #require(JSONValue(parsing: Fixtures.text(file)).object)
      change(&document)
      return try T5Encoder(
        configuration: ModelConfiguration(.object(document), file: file),
        weights: WeightLoader(file: weights.path, tensors: weights.tensors))
    }
    let said = try encoder { _ in }([3, 7, 1])
    let derived = try encoder { $0["feed_forward_proj"] = nil }([3, 7, 1])
    #expect(said.floats == derived.floats)
    let error = #expect(throws: ModelError.self) {
      _ = try encoder {
        for key in ["feed_forward_proj", "is_gated_act", "dense_act_fn"] { $0[key] = nil }
      }
    }
    #expect(
      error?.description
        == "\(file): 'feed_forward_proj': expected gated-gelu or gated-silu (T5 v1.1), found 'relu'"
    )
  }
}
