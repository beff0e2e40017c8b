#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace hpcore::space {

// A whole number of any size, from 0 on: counts of points, and decimals that are compared exactly.
class Natural {
  public:
    Natural(std::uint64_t value = 0) {  // NOLINT(google-explicit-constructor): a number is a number
        for (; value > 0; value >>= 32) words_.push_back(static_cast<std::uint32_t>(value));
    }

    Natural& operator+=(const Natural& other) {
        words_.resize(std::max(words_.size(), other.words_.size()) + 1);
        std::uint64_t carry = 0;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            carry += words_[i];
            if (i < other.words_.size()) carry += other.words_[i];
            words_[i] = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
        trim();
        return *this;
    }

    Natural& operator*=(const Natural& other) {
        std::vector<std::uint32_t> product(words_.size() + other.words_.size());
        for (std::size_t i = 0; i < words_.size(); ++i) {
            std::uint64_t carry = 0;
            for (std::size_t j = 0; j < other.words_.size(); ++j) {
                carry += std::uint64_t{words_[i]} * other.words_[j] + product[i + j];
                product[i + j] = static_cast<std::uint32_t>(carry);
                carry >>= 32;
            }
            product[i + other.words_.size()] = static_cast<std::uint32_t>(carry);
        }
        words_ = std::move(product);
        trim();
        return *this;
    }

    friend Natural operator+(Natural a, const Natural& b) { return a += b; }
    friend Natural operator*(Natural a, const Natural& b) { return a *= b; }

    friend bool operator==(const Natural&, const Natural&) = default;
    friend std::strong_ordering operator<=>(const Natural& a, const Natural& b) {
        if (a.words_.size() != b.words_.size()) return a.words_.size() <=> b.words_.size();
        for (std::size_t i = a.words_.size(); i-- > 0;)
            if (a.words_[i] != b.words_[i]) return a.words_[i] <=> b.words_[i];
        return std::strong_ordering::equal;
    }

    // None from 2^64 on.
    std::optional<std::uint64_t> small() const {
        if (words_.size() > 2) return std::nullopt;
        std::uint64_t value = 0;
        for (std::size_t i = words_.size(); i-- > 0;) value = value << 32 | words_[i];
        return value;
    }

    // Digits in base 2^32, the lowest first; the last one is not 0.
    const std::vector<std::uint32_t>& words() const { return words_; }

  private:
    void trim() {
        while (!words_.empty() && words_.back() == 0) words_.pop_back();
    }

    std::vector<std::uint32_t> words_;
};

}  // namespace hpcore::space
