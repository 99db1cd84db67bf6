internal import JSON
internal import Schedules

extension JSONValue {
  /// Settings of a picture as A1111's web interface and those that read its files have them: the prompt, the negative
  /// prompt, and a line of names and values; nil where no prompt is told.
  ///
  /// Steps that go back under new noise are LCM's, others Euler's; FLUX.1's guidance value has Forge's name.
  ///
  /// **Source:** AUTOMATIC1111/stable-diffusion-webui, `modules/processing.py`, `create_infotext`, and
  /// `modules/infotext_utils.py`, `parse_generation_parameters`; lllyasviel/stable-diffusion-webui-forge,
  /// `Distilled CFG Scale`.
  var parametersText: String? {
    guard let prompt = self["prompt"]?.string, !prompt.isEmpty else { return nil }
    let schedule = self["schedule"]?.string ?? ""
    // All of them, whatever the strength: it is what these programs call the steps.
    let steps = schedule.split(whereSeparator: { ",|".contains($0) }).count
    var values: [(name: String, value: String)] = [("Steps", "\(steps)")]
    // Programs that read this know no published mistakes.
    if self["compat"]?.string == "none" {
      values.append(("Sampler", schedule.hasPrefix(PhaseSchedule.renoising) ? "LCM" : "Euler"))
    }
    values.append(("CFG scale", number("cfg")))
    values.append(("Distilled CFG Scale", number("guidance")))
    values.append(("Seed", self["seed"]?.string ?? ""))
    values.append(("Size", self["size"]?.string ?? ""))
    values.append(("Model", self["model"]?.string ?? ""))
    if let strength = self["image"]?["strength"]?.double {
      values.append(("Denoising strength", strength.shortest))
    }
    let adapters = (self["adapters"]?.array ?? []).map { adapter in
      let phase = adapter["phase"]?.string.map { " (\($0))" } ?? ""
      return
        "\(adapter["file"]?.string ?? ""): \(adapter["strength"]?.double?.shortest ?? "1")\(phase)"
    }
    values.append(("Adapters", adapters.joined(separator: ", ")))
    values.append(("Version", self["version"]?.string.map { "glance \($0)" } ?? ""))
    let line = values.filter { !$0.value.isEmpty }.map { "\($0.name): \(Self.quoted($0.value))" }
    let negative = self["negative"]?.string ?? ""
    return
      ([prompt] + (negative.allSatisfy(\.isWhitespace) ? [] : ["Negative prompt: \(negative)"])
      + [line.joined(separator: ", ")]).joined(separator: "\n")
  }

  private func number(_ key: String) -> String { self[key]?.double?.shortest ?? "" }

  /// A value with a comma, a colon or a line's end is quoted as JSON.
  private static func quoted(_ value: String) -> String {
    value.contains { ",:\n".contains($0) } ? JSONValue.string(value).text(.compact) : value
  }
}

extension Double {
  /// Whole numbers without a point.
  var shortest: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}
